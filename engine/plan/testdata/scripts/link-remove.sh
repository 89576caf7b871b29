set -eu
root=/srv/hello
name=current

link=$root/$name
linked=$root/.trikk/linked
if [ -e "$link" ] && [ ! -L "$link" ]; then
	fail "$link is no link: move it away (mv $link $link.old) and apply again"
fi

rm -f "$linked"
[ -L "$link" ] || same "there is no link $name"
rm "$link"
