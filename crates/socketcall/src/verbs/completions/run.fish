
# Behind `run` and its options stands a command, with completions of its own.
complete -c socketcall -n "__fish_seen_subcommand_from run" -x -a "(__fish_complete_subcommand --fcs-skip=2)"
