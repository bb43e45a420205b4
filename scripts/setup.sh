# What a fresh Debian or Ubuntu lacks for the lab. Sourced by scripts/run and scripts/test; installs nothing that is there.

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
    done
}

# True where some Vulkan driver is installed, of a GPU or in software.
has_vulkan_driver() {
    if [[ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]]; then
        return 0
    fi
    compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null
}

install_missing() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "This is no Debian or Ubuntu: make sure that a Vulkan loader and driver and the X11 client libraries are installed."
        return 0
    fi
    local wanted=(libvulkan1 libx11-6 libx11-xcb1 libxkbcommon0 libxkbcommon-x11-0 libxcursor1 libxi6 libxrandr2 libwayland-client0)
    if ! has_vulkan_driver; then
        # The software driver serves where there is no GPU, and does no harm where there is one.
        wanted+=(mesa-vulkan-drivers)
    fi
    # A linker for Rust; a cc of any make will do.
    if ! command -v cc >/dev/null; then
        wanted+=(gcc libc6-dev)
    fi
    install_packages "without a Vulkan driver the lab runs on plain Rust, without the X libraries it opens no window" "${wanted[@]}"
}

# What the tests need besides: a display without a screen, a window manager and a hand to drive the window, and NumPy for the
# snippet of the README.
install_test_tools() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        return 0
    fi
    install_packages "the tests that drive the window or run Python cannot run" xvfb openbox xdotool x11-utils wmctrl python3-numpy
}

# What it means if they cannot be had, and the packages.
install_packages() {
    local consequence="$1" missing
    mapfile -t missing < <(missing_packages "${@:2}")
    if (( ${#missing[@]} == 0 )); then
        return 0
    fi
    local as_root=()
    if (( EUID != 0 )); then
        if ! command -v sudo >/dev/null || ! { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            echo "These packages are missing and need root to install; please run: apt-get install ${missing[*]}" >&2
            return 0
        fi
        as_root=(sudo)
    fi
    echo "Installing ${missing[*]}"
    # An outdated index is mended by one update; some mirror being away is no reason to stop where the rest suffices.
    "${as_root[@]}" apt-get update -qq </dev/null || echo "The package lists could not all be refreshed; trying with what there is." >&2
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null; then
        echo "Could not install ${missing[*]}; $consequence." >&2
    fi
}

need_cargo() {
    if ! command -v cargo >/dev/null && [[ -f "$HOME/.cargo/env" ]]; then
        # shellcheck source=/dev/null
        . "$HOME/.cargo/env"
    fi
    if ! command -v cargo >/dev/null; then
        echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2
        exit 1
    fi
}

# Without a runtime directory there is no Wayland, and Mesa's layer that sorts Vulkan devices by what Wayland shows only complains.
if [[ -z "${XDG_RUNTIME_DIR:-}" ]]; then
    export NODEVICE_SELECT="${NODEVICE_SELECT:-1}"
fi
