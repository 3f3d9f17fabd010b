
# Behind `run` and its options stands a command, with completions of its own.
_socketcall_or_command() {{
    local at=2 valued='{valued}'
    while ((at < COMP_CWORD)) && [[ ${{COMP_WORDS[at]}} == -* && ${{COMP_WORDS[at]}} != -- ]]; do
        if [[ $valued == *" ${{COMP_WORDS[at]}} "* ]]; then
            ((at += 2))
        else
            ((at += 1))
        fi
    done
    local ended=
    if [[ at -lt COMP_CWORD && ${{COMP_WORDS[at]}} == -- ]]; then
        ended=yes
        ((at += 1))
    fi
    if [[ ${{COMP_WORDS[1]}} != run || COMP_CWORD -lt at || (COMP_CWORD -eq at && -z $ended && $2 == -*) ]]; then
        _socketcall "$@"
    elif declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$at"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$at"
    elif [[ COMP_CWORD -eq at ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$2")
    fi
}}
complete -F _socketcall_or_command -o bashdefault -o default socketcall
