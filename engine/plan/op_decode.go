package plan

import (
	"encoding/json"
	"fmt"
)

// decodeOp reads one op of the closed set, strictly.
func decodeOp(kind string, text json.RawMessage) (Op, error) {
	switch kind {
	case "fetch":
		return decodeAs[Fetch](text)
	case "upload":
		return decodeAs[Upload](text)
	case "unpack":
		return decodeAs[Unpack](text)
	case "write":
		return decodeAs[Write](text)
	case "mode":
		return decodeAs[Chmod](text)
	case "link":
		return decodeAs[Link](text)
	case "service":
		return decodeAs[ServiceOp](text)
	case "run":
		return decodeAs[Run](text)
	case "marker":
		return decodeAs[MarkerOp](text)
	case "drain":
		return decodeAs[DrainOp](text)
	case "admit":
		return decodeAs[AdmitOp](text)
	case "reload":
		return decodeAs[Reload](text)
	case "probe":
		return decodeAs[ProbeOp](text)
	case "approve":
		return decodeAs[ApproveOp](text)
	case "pause":
		return decodeAs[Pause](text)
	case "prune":
		return decodeAs[Prune](text)
	case "record":
		return decodeAs[Record](text)
	}
	return nil, fmt.Errorf("unknown op %q", kind)
}

func decodeAs[T Op](text json.RawMessage) (Op, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	delete(fields, "kind")
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var op T
	if err := strict(body, &op); err != nil {
		return nil, err
	}
	return op, nil
}
