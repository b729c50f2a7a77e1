"""What the figures were measured on."""
import os
import platform


def describe():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"{os.cpu_count()} cores of {model}, {release}, Linux {platform.release().split('-')[0]}"


def load():
    """Processes that wanted a processor, on average over the last minute."""
    return os.getloadavg()[0]
