import ExpositionServer

/// The files in `Assets`, which are part of the program.
enum PageAssets {
    static let all: [String: PageAsset] = [
        "page.css": PageAsset(contentType: "text/css; charset=utf-8", bytes: PackageResources.page_css),
        "icon.svg": PageAsset(contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
        "theme.js": script(PackageResources.theme_js),
        "main.js": script(PackageResources.main_js),
        "api.js": script(PackageResources.api_js),
        "chart.js": script(PackageResources.chart_js),
        "detail.js": script(PackageResources.detail_js),
        "dom.js": script(PackageResources.dom_js),
        "events.js": script(PackageResources.events_js),
        "format.js": script(PackageResources.format_js),
        "keyboard.js": script(PackageResources.keyboard_js),
        "streams.js": script(PackageResources.streams_js),
        "summary.js": script(PackageResources.summary_js),
        "table.js": script(PackageResources.table_js),
    ]

    private static func script(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "text/javascript; charset=utf-8", bytes: bytes)
    }
}
