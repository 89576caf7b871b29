# What trikk has instead of parts of the package bash-completion, so that it works where that is not installed.

# __trikk_words sets words, cword, cur and prev: the command line up to the cursor as the shell will split it. The characters = : and @, at which readline
# splits it too, are parts of words.
__trikk_words()
{
    local i word gap rest=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${rest%%[![:space:]]*}
        rest=${rest#"$gap"}
        word=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || word=$rest
        rest=${rest#"$word"}
        if ((i > 0)) && [[ -z $gap ]]; then
            words[${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
    done
    cword=$((${#words[@]} - 1))
    ((cword > 0)) || return 1
    cur=${words[cword]}
    prev=${words[cword-1]}
}

# __trikk_filedir offers folders, and with EXT|EXT… the files with these endings. Where it finds none, the shell offers all files.
__trikk_filedir()
{
    local end ends IFS=$'\n'
    [[ $(type -t compopt) != builtin ]] || compopt -o filenames
    COMPREPLY+=($(compgen -d -- "$cur"))
    [[ ${1-} != -d ]] || return 0
    IFS='|' read -ra ends <<<"${1-}"
    for end in "${ends[@]}"; do
        COMPREPLY+=($(compgen -f -X "!*.$end" -- "$cur"))
    done
}

# __trikk_unquote takes the quotes away that commas and != of lists and selectors don't need: what is typed already has none.
__trikk_unquote()
{
    ((${#COMPREPLY[@]} == 1)) || return 0
    COMPREPLY[0]=${COMPREPLY[0]//\\,/,}
    COMPREPLY[0]=${COMPREPLY[0]//\\!=/!=}
}

# __trikk_after_at leaves out what stands before an @. Readline replaces only the rest, with the @, where it begins words with that.
__trikk_after_at()
{
    local i typed
    [[ $cur == *@* && $COMP_WORDBREAKS == *@* ]] || return 0
    typed=${cur%@*}
    for i in ${!COMPREPLY[*]}; do
        COMPREPLY[i]=${COMPREPLY[i]#"$typed"}
    done
}

