# Where scripts/setup.sh puts what pip installs. To be sourced; `tools` names the folder.
tools=${THALWEG_CACHE:-$HOME/.cache/thalweg}/tools
export PATH="$tools/bin:$PATH"
