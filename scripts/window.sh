# A lab in a window of its own, for scripts that drive it. Sourced. Starts a display where there is none.
# Sets lab_pid, lab_window, lab_log.

program="${NOISE_COMPASS:-${CARGO_TARGET_DIR:-target}/release/noise-compass}"
scratch=$(mktemp -d)
lab_log="$scratch/lab.log"
lab_pid=

# What a user kept before is not touched: the lab keeps its trainings here.
export XDG_STATE_HOME="$scratch/state"

clean_up() {
    kill_lab
    [[ -z "${own_display:-}" ]] || kill "${manager_pid:-0}" "$display_pid" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT

need_tools() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "$tool is missing; scripts/test installs it" >&2; exit 1; }
    done
}

if [[ -z "${DISPLAY:-}" ]]; then
    need_tools Xvfb openbox
    own_display=1
    # The first free display; Xvfb says which.
    exec {told}<> <(:)
    Xvfb -displayfd "$told" -screen 0 1600x1000x24 >/dev/null 2>&1 &
    display_pid=$!
    read -r -t 10 number <&"$told" || { echo "Xvfb did not start" >&2; exit 1; }
    export DISPLAY=":$number"
    openbox >/dev/null 2>&1 &
    manager_pid=$!
fi
need_tools xdotool wmctrl

# Open the lab with these arguments and wait until it paints.
open_lab() {
    RUST_LOG=${RUST_LOG:-ui=trace} "$program" "$@" >"$lab_log" 2>&1 &
    lab_pid=$!
    local _
    for _ in $(seq 100); do
        sleep 0.2
        lab_window=$(xdotool search --onlyvisible --pid "$lab_pid" 2>/dev/null | tail -n 1) || true
        if [[ -n "$lab_window" ]] && (( $(lab_step) > 0 )); then
            xdotool windowmove "$lab_window" 0 0
            return 0
        fi
    done
    echo "the lab did not open" >&2
    tail -n 5 "$lab_log" >&2
    return 1
}

# The step that the last frame showed.
lab_step() {
    local line
    line=$(grep -o 'frame [0-9]*, step [0-9]*' "$lab_log" | tail -n 1) || true
    echo "${line##* }" | grep -x '[0-9]\+' || echo 0
}

# Split the lab by its button.
click_named_split() {
    xdotool windowsize --sync "$lab_window" 1280 800
    sleep 0.5
    local origin x y
    origin=$(xdotool getwindowgeometry --shell "$lab_window")
    x=$(sed -n 's/^X=//p' <<<"$origin") y=$(sed -n 's/^Y=//p' <<<"$origin")
    xdotool mousemove $(( x + 735 )) $(( y + 22 )) click 1
    sleep 1
}

# Close the window as a person does; the process must be gone two seconds later. The lab may ask once: then it is asked
# again, which closes.
close_lab() {
    local _
    wmctrl -i -c "$lab_window" || true
    sleep 0.7
    if kill -0 "$lab_pid" 2>/dev/null; then
        wmctrl -i -c "$lab_window" 2>/dev/null || true
    fi
    for _ in $(seq 20); do
        kill -0 "$lab_pid" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "the lab did not close within 2 s" >&2
    kill_lab
    return 1
}

kill_lab() {
    [[ -z "$lab_pid" ]] || kill -9 "$lab_pid" 2>/dev/null || true
    [[ -z "$lab_pid" ]] || wait "$lab_pid" 2>/dev/null || true
    lab_pid=
}
