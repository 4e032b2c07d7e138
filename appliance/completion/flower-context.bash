# bash completion of flower-context; generated from the command declarations
_flower_context() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case ${COMP_WORDS[at]} in
      --root) ((at++)) ;;
      -*) ;;
      *) command=${COMP_WORDS[at]}; break ;;
    esac
  done
  if [[ -z $command ]]; then
    if [[ $prev == --root ]]; then COMPREPLY=($(compgen -d -- "$cur")); else COMPREPLY=($(compgen -W 'run boot ready reread status doctor explain apply ca submit install backup restore validate plan context template lint probe completion version --help --root' -- "$cur")); fi
    return
  fi
  case "$command $prev" in
    'run --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'boot --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'ready --timeout') :; return ;;
    'ready --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'reread --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'status --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'doctor --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'explain --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'apply --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'ca --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'submit --timeout') :; return ;;
    'submit --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'install --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'backup --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'restore --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'validate --role') COMPREPLY=($(compgen -W 'superlink supernode' -- "$cur")); return ;;
    'validate --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'plan --role') COMPREPLY=($(compgen -W 'superlink supernode' -- "$cur")); return ;;
    'plan --show') :; return ;;
    'plan --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'context --show') :; return ;;
    'context --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'template --one') COMPREPLY=($(compgen -W '6 7' -- "$cur")); return ;;
    'template --superlink-template') :; return ;;
    'template --supernode-template') :; return ;;
    'template --supernodes') :; return ;;
    'template --set') COMPREPLY=($(compgen -W 'FLOWER_VERSION= ML_FRAMEWORK= FL_TLS_ENABLED= FL_LOG_LEVEL= FL_LOG_FORMAT= FL_FLEET_API_ADDRESS= FL_CONTROL_API_ADDRESS= FL_DATABASE= FL_CERT_EXTRA_SAN= FL_SSL_CERTFILE= FL_SSL_KEYFILE= FL_NUM_ROUNDS= FL_STRATEGY= FL_MIN_FIT_CLIENTS= FL_MIN_EVALUATE_CLIENTS= FL_MIN_AVAILABLE_CLIENTS= FL_PROXIMAL_MU= FL_SERVER_LR= FL_CLIENT_LR= FL_NUM_MALICIOUS= FL_TRIM_BETA= FL_CHECKPOINT_ENABLED= FL_CHECKPOINT_INTERVAL= FL_CHECKPOINT_PATH= FL_SUPERLINK_ADDRESS= FL_NODE_CONFIG= FL_MAX_RETRIES= FL_MAX_WAIT_TIME= FL_USE_CASE= FL_GPU_ENABLED= FL_CUDA_VISIBLE_DEVICES= FL_GPU_MEMORY_FRACTION= FL_DCGM_ENABLED= FL_EDGE_BACKOFF= FL_EDGE_MAX_BACKOFF= FL_ISOLATION= FL_SSL_CA_CERTFILE= FL_GRPC_KEEPALIVE_TIME= FL_GRPC_KEEPALIVE_TIMEOUT= FL_METRICS_ENABLED= FL_METRICS_PORT=' -- "$cur")); return ;;
    'template --network') :; return ;;
    'template --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'lint --as') COMPREPLY=($(compgen -W 'single-site coordinator training-site' -- "$cur")); return ;;
    'lint --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'probe --ca') COMPREPLY=($(compgen -f -- "$cur")); return ;;
    'probe --transport') :; return ;;
    'probe --wait') :; return ;;
    'probe --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'completion --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
    'version --root') COMPREPLY=($(compgen -d -- "$cur")); return ;;
  esac
  case $command in
    run) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--root --help' -- "$cur")); else :; fi ;;
    boot) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--resume --fresh --root --help' -- "$cur")); else :; fi ;;
    ready) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--timeout --root --help' -- "$cur")); else :; fi ;;
    reread) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--root --help' -- "$cur")); else :; fi ;;
    status) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--json --wait --root --help' -- "$cur")); else :; fi ;;
    doctor) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--json --root --help' -- "$cur")); else :; fi ;;
    explain) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--json --root --help' -- "$cur")); else :; fi ;;
    apply) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--now --root --help' -- "$cur")); else :; fi ;;
    ca) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--base64 --pem --root --help' -- "$cur")); else :; fi ;;
    submit) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--declared-only --timeout --root --help' -- "$cur")); else COMPREPLY=($(compgen -d -W 'quickstart' -- "$cur")); fi ;;
    install) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--root --help' -- "$cur")); else :; fi ;;
    backup) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--root --help' -- "$cur")); else :; fi ;;
    restore) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--root --help' -- "$cur")); else :; fi ;;
    validate) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--role --json --root --help' -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    plan) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--role --show --show-all --json --root --help' -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    context) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--show --show-all --json --root --help' -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    template) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--one --all-inputs --answers --superlink-template --supernode-template --supernodes --set --network --root --help' -- "$cur")); else COMPREPLY=($(compgen -W 'single-site coordinator training-site' -- "$cur")); fi ;;
    lint) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--json --as --root --help' -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    probe) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--ca --plaintext --transport --wait --root --help' -- "$cur")); else :; fi ;;
    completion) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--root --help' -- "$cur")); else COMPREPLY=($(compgen -W 'bash' -- "$cur")); fi ;;
    version) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '--root --help' -- "$cur")); else :; fi ;;
  esac
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _flower_context flower-context
