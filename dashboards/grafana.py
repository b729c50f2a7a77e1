"""What a Grafana dashboard is made of: plain functions from what a panel shows to the JSON that Grafana 11 keeps.

Every key that Grafana's own types write is written here too, so that a dashboard survives a round trip unchanged.
"""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#808080"

_legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_tooltip = {"mode": "multi", "sort": "desc"}
_reduce_last = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def steps(base, *rest):
    """Thresholds: the colour below the first value, then (value, colour) upwards."""
    return {
        "mode": "absolute",
        "steps": [{"value": None, "color": base}] + [{"value": value, "color": color} for value, color in rest],
    }


def value_map(texts):
    """{value: (text, colour)}"""
    options = {
        str(value): {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(texts.items())
    }
    return {"type": "value", "options": options}


def nan_map(text):
    """What to say where a figure is not a number, or is not there at all."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": GREY, "index": 9}}}


def query(expr, legend="", instant=False, form="time_series", ref="A"):
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": " ".join(expr.split()),
        "format": form,
        "instant": instant,
        "range": not instant,
        "legendFormat": legend,
        "refId": ref,
    }


def letters(queries):
    """The queries with the reference names A, B, C …"""
    return [dict(one, refId=chr(ord("A") + index)) for index, one in enumerate(queries)]


def panel(kind, title, description, size, queries, options, *, unit, thresholds, custom=None, defaults=None,
          overrides=(), links=(), transformations=(), interval=None):
    field = {"unit": unit, "thresholds": thresholds, "color": {"mode": "thresholds"}, "mappings": []}
    field.update(defaults or {})
    if custom is not None:
        field["custom"] = custom
    made = {
        "type": kind,
        "title": title,
        "description": description,
        "transparent": False,
        "repeatDirection": "h",
        "datasource": DATASOURCE,
        "gridPos": {"w": size[0], "h": size[1], "x": 0, "y": 0},
        "targets": letters(queries),
        "options": options,
        "fieldConfig": {"defaults": field, "overrides": list(overrides)},
    }
    if transformations:
        made["transformations"] = list(transformations)
    if interval:
        made["interval"] = interval
    if links:
        # As an override: the types take the links of `defaults` for links between dashboards, which these are not.
        made["fieldConfig"]["overrides"].append(
            {"matcher": {"id": "byRegexp", "options": ".*"}, "properties": [{"id": "links", "value": list(links)}]})
    return made


def stat(title, description, queries, *, unit, thresholds, size=(4, 4), mappings=(), decimals=None, area=False,
         color="value", text="auto", links=()):
    options = {
        "graphMode": "area" if area else "none",
        "colorMode": color,
        "justifyMode": "auto",
        "textMode": text,
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": _reduce_last,
    }
    defaults = {"mappings": list(mappings)}
    if missing := [one["options"]["result"]["text"] for one in mappings if one["type"] == "special"]:
        defaults["noValue"] = missing[0]
    if decimals is not None:
        defaults["decimals"] = decimals
    return panel("stat", title, description, size, queries, options, unit=unit, thresholds=thresholds,
                 defaults=defaults, links=links)


def timeseries(title, description, queries, *, unit, thresholds, size=(12, 8), style="line", stack=False, minimum=0,
               maximum=None, show_thresholds=False, overrides=(), links=()):
    custom = {
        "drawStyle": style,
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if style == "bars" or stack else 10,
        # A lone value between two gaps has no line to be seen by.
        "showPoints": "never" if style == "bars" or stack else "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if show_thresholds else "off"},
    }
    defaults = {"color": {"mode": "palette-classic"}}
    if minimum is not None:
        defaults["min"] = minimum
    if maximum is not None:
        defaults["max"] = maximum
    options = {"legend": _legend, "tooltip": _tooltip}
    return panel("timeseries", title, description, size, queries, options, unit=unit, thresholds=thresholds,
                 custom=custom, defaults=defaults, overrides=overrides, links=links)


def bar_gauge(title, description, queries, *, unit, thresholds, size=(12, 8), maximum=None, mappings=(), links=()):
    options = {
        "displayMode": "gradient",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "orientation": "horizontal",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "reduceOptions": _reduce_last,
    }
    defaults = {"min": 0, "decimals": 0, "mappings": list(mappings)}
    if maximum is not None:
        defaults["max"] = maximum
    return panel("bargauge", title, description, size, queries, options, unit=unit, thresholds=thresholds,
                 defaults=defaults, links=links)


def heatmap(title, description, queries, *, unit, thresholds, size=(12, 8)):
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "reverse": False, "exponent": 0.5,
                  "steps": 64},
        "cellValues": {"unit": "short"},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True},
        "selectionMode": "x",
        "yAxis": {"unit": unit, "reverse": False, "axisPlacement": "left"},
    }
    return panel("heatmap", title, description, size, queries, options, unit=unit, thresholds=thresholds, custom={})


def state_timeline(title, description, queries, *, thresholds, mappings, size=(24, 5)):
    options = {
        "showValue": "auto",
        "rowHeight": 0.9,
        "mergeValues": True,
        "alignValue": "left",
        "legend": _legend,
        "tooltip": {"mode": "single", "sort": "none"},
        "perPage": 20,
    }
    return panel("state-timeline", title, description, size, queries, options, unit="none", thresholds=thresholds,
                 custom={"lineWidth": 0, "fillOpacity": 80}, defaults={"mappings": list(mappings)})


def table(title, description, queries, *, unit, thresholds, size=(24, 10), sort_by=None, overrides=(),
          transformations=()):
    options = {
        "frameIndex": 0,
        "showHeader": True,
        "showTypeIcons": False,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": [], "countRows": False},
    }
    if sort_by:
        options["sortBy"] = [{"displayName": sort_by, "desc": True}]
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False}
    return panel("table", title, description, size, queries, options, unit=unit, thresholds=thresholds, custom=custom,
                 overrides=overrides, transformations=transformations)


def column(name, **properties):
    """An override of one column: unit, thresholds, mappings, links, and under `custom` the cell's kind."""
    custom = properties.pop("custom", {})
    listed = [{"id": key, "value": value} for key, value in properties.items()]
    listed += [{"id": "custom." + key, "value": value} for key, value in custom.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": listed}


def colored(pattern, color):
    return {
        "matcher": {"id": "byRegexp", "options": pattern},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
    }


# Only a variable of the type `interval` reads them, but the types write them for every one.
_auto = {"auto": False, "auto_min": "10s", "auto_count": 30}


def variable(name, label, expr=None, *, multi=True, description=""):
    if name == "datasource":
        return {"type": "datasource", "name": name, "label": label, "description": description, "query": "prometheus",
                "hide": 0, "skipUrlSync": False, "multi": False, "includeAll": False, "refresh": 1,
                "allowCustomValue": True, "regex": "", **_auto}
    made = {"type": "query", "name": name, "label": label, "description": description, "query": expr,
            "datasource": DATASOURCE, "hide": 0, "skipUrlSync": False, "multi": multi, "includeAll": multi,
            "refresh": 2, "sort": 1, "allowCustomValue": True, "regex": "", **_auto}
    if multi:
        made["allValue"] = ".+"
    return made


def annotation(name, color, expr):
    return {"name": name, "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": color,
            "builtIn": 0, "expr": " ".join(expr.split())}


def dashboard(uid, title, description, variables, annotations, links, rows):
    """`rows` is [(heading, panels)]; panels flow from left to right in 24 columns."""
    panels, y = [], 0
    for heading, members in rows:
        panels.append({"type": "row", "title": heading, "collapsed": False, "id": len(panels) + 1,
                       "gridPos": {"w": 24, "h": 1, "x": 0, "y": y}, "panels": []})
        y += 1
        x = tallest = 0
        for member in members:
            place = member["gridPos"]
            if x + place["w"] > 24:
                x, y, tallest = 0, y + tallest, 0
            panels.append(dict(member, id=len(panels) + 1, gridPos=dict(place, x=x, y=y)))
            x += place["w"]
            tallest = max(tallest, place["h"])
        y += tallest
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["holdfast"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "links": links,
        "annotations": {"list": annotations},
        "templating": {"list": variables},
        "panels": panels,
    }


def link(title, uid, tooltip):
    """A link to another dashboard that keeps the time range and what is selected."""
    return {"title": title, "type": "link", "icon": "dashboard", "tooltip": tooltip, "url": "/d/" + uid, "tags": [],
            "asDropdown": False, "targetBlank": False, "includeVars": True, "keepTime": True}
