// Package host is the only room with a wire: SSH and SFTP to one server, and what runs over them.
//
// Reading is a type: a Reader can run queries and questions whose text is constant in the code, and nothing else. What
// changes a server goes through Host. Commands travel as framed scripts on the standard input of one constant command
// line, `exec /bin/sh -s`, so that every login shell will do and a connection that is cut runs none of it.
package host
