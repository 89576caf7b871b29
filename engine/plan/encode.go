package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrEdited is what Decode answers for a plan whose digest does not fit its content.
var ErrEdited = errors.New("the plan was edited after it was made")

// Encode writes the plan as canonical, versioned JSON: the same plan gives the same bytes. It fills in Digest.
func Encode(w io.Writer, p Plan) error {
	p.Format = FormatVersion
	p.Digest = ""
	text, err := encode(p)
	if err != nil {
		return fmt.Errorf("encoding plan: %w", err)
	}
	p.Digest = sum(string(text))
	if text, err = encode(p); err != nil {
		return fmt.Errorf("encoding plan: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// Decode reads what Encode wrote, byte for byte. An edited plan is ErrEdited; an unknown format, field or op is an error.
func Decode(r io.Reader) (Plan, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Plan{}, err
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return Plan{}, fmt.Errorf("not a plan: %w", err)
	}
	if head.Format != FormatVersion {
		return Plan{}, fmt.Errorf("plan format %d is not known; this trikk reads format %d", head.Format, FormatVersion)
	}
	var p Plan
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber() // a large number in a generated file stays what it is
	if err := d.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("not a plan: %w", err)
	}
	var again bytes.Buffer
	if err := Encode(&again, p); err != nil {
		return Plan{}, err
	}
	// The bytes are compared, so that nothing hides in what a parser overlooks: a second key, another case, a trailing value.
	if !bytes.Equal(again.Bytes(), text) {
		return Plan{}, ErrEdited
	}
	return p, nil
}

func encode(p Plan) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(p)
	return b.Bytes(), err
}

// stepJSON is Step without its methods, so that encoding it does not recurse.
type stepJSON Step

// MarshalJSON writes the step with its op as {"kind": …, fields}.
func (s Step) MarshalJSON() ([]byte, error) {
	op, err := marshalOp(s.Op)
	if err != nil {
		return nil, fmt.Errorf("step %s: %w", s.ID, err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(struct {
		stepJSON
		Op json.RawMessage `json:"op"`
	}{stepJSON(s), op})
	return bytes.TrimSpace(b.Bytes()), err
}

func marshalOp(op Op) (json.RawMessage, error) {
	if op == nil {
		return nil, errors.New("a step without an op")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(op); err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(b.Bytes())
	head := fmt.Appendf(nil, `{"kind":%q`, op.Kind())
	if len(body) > 2 {
		head = append(head, ',')
	}
	return append(head, body[1:]...), nil
}

// UnmarshalJSON reads what MarshalJSON wrote. An op of an unknown kind, or with unknown fields, is an error.
func (s *Step) UnmarshalJSON(text []byte) error {
	var v struct {
		stepJSON
		Op json.RawMessage `json:"op"`
	}
	if err := strict(text, &v); err != nil {
		return err
	}
	*s = Step(v.stepJSON)
	var head struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(v.Op, &head); err != nil {
		return fmt.Errorf("step %s: %w", s.ID, err)
	}
	op, err := decodeOp(head.Kind, v.Op)
	if err != nil {
		return fmt.Errorf("step %s: %w", s.ID, err)
	}
	s.Op = op
	return nil
}

func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
