// Package proxy takes servers out of rotation and puts them back, through drivers that are listed in one table.
//
// The rules are the same for every driver. A command's success proves nothing: the state is read again after every
// change. Drained means out of rotation and nothing in flight in two consecutive looks. Admitted means that the proxy
// itself says that it sends traffic. Every wait has an interval, a deadline and a last observation.
//
// A new driver is one file with a type that implements Driver, and one row in table.
package proxy
