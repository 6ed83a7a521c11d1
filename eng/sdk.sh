# Sourced by ./recourse and ./test: one clear sentence when the .NET SDK is missing or too old.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

require_sdk() { # repository root
  if ! command -v dotnet >/dev/null 2>&1; then
    echo "Recourse needs the .NET 10 SDK, and 'dotnet' is not on the PATH: install it from https://dot.net/download and run this again." >&2
    exit 69
  fi
  local found
  if ! found="$(cd "$1" && dotnet --version 2>/dev/null)"; then
    found="$(dotnet --list-sdks 2>/dev/null | awk '{print $1}' | paste -sd' ' -)"
    echo "Recourse needs the .NET 10 SDK, and this machine has ${found:-no SDK}: install it from https://dot.net/download and run this again." >&2
    exit 69
  fi
}
