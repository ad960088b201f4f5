#!/bin/sh
# /var/runtime/bootstrap of the stand-in image: starts the runtime loop as Lambda does, through the wrapper if one is named.
export AWS_EXECUTION_ENV=AWS_Lambda_python3.13
export PYTHONPATH="$LAMBDA_TASK_ROOT:/opt/python/lib/python3.13/site-packages:/opt/python:$LAMBDA_RUNTIME_DIR"
if [ -n "$AWS_LAMBDA_EXEC_WRAPPER" ] && [ ! -x "$AWS_LAMBDA_EXEC_WRAPPER" ]; then
  echo "$AWS_LAMBDA_EXEC_WRAPPER is not executable" >&2
  exit 126
fi
exec $AWS_LAMBDA_EXEC_WRAPPER /var/lang/bin/python3.13 -m awslambdaric "$_HANDLER"
