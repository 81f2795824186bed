# bash completion of kadanoff; made by `kadanoff help --completion`.
_kadanoff()
{
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
    local options= words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "run train sample analyse bulk report compare couplings demo init list info diagnose help --help --version" -- "$cur"))
        return
    fi
    case $command in
        run) options=" --threads --max-hours --out --quiet --help --version" words="yaml" ;;
        train) options=" --threads --max-hours --out --quiet --help --version" words="yaml" ;;
        sample) options=" --threads --max-hours --out --quiet --help --version" words="folder" ;;
        analyse) options=" --threads --quiet --help --version" words="folder" ;;
        bulk) options=" --threads --quiet --pictures --help --version" words="folder" ;;
        report) options=" --threads --quiet --help --version" words="folder" ;;
        compare) options=" --help --version" words="folder" ;;
        couplings) options=" --out --quiet --help --version" words="folder" ;;
        demo) options=" --threads --max-hours --out --quiet --help --version" words="demos" ;;
        init) options=" --help --version" words="actions" ;;
        list) options=" --markdown --help --version" words="actions|bijectors|samplers|observables|keys|demos" ;;
        info) options=" --help --version" words="folder" ;;
        diagnose) options=" --help --version" words="folder" ;;
        help) options=" --man --completion --help --version" words="commands" ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        return
    fi
    case $words in
        yaml) COMPREPLY=($(compgen -f -X '!*.yaml' -- "$cur") $(compgen -d -- "$cur")) ;;
        folder) COMPREPLY=($(compgen -d -- "$cur")) ;;
        demos|actions) COMPREPLY=($(compgen -W "$(kadanoff list $words 2>/dev/null | awk '{print $1}')" -- "$cur")) ;;
        commands) COMPREPLY=($(compgen -W "$(kadanoff help 2>/dev/null | awk '/^  /{print $1}')" -- "$cur")) ;;
        *) COMPREPLY=($(compgen -W "${words//|/ }" -- "$cur")) ;;
    esac
}
complete -o filenames -F _kadanoff kadanoff
