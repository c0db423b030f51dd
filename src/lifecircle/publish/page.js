/* The page around the map: title, search, layers, ranking, legend, tools, a second map to compare with. */
(function () {
  "use strict";
  var LC = window.lifecircle, el = LC.el, chrome = [], pages = [], page = null, folded = {}, shut = {};
  function stop(box) { L.DomEvent.disableClickPropagation(box); L.DomEvent.disableScrollPropagation(box); return box; }
  function control(map, position, make) {
    var made = L.control({position: position});
    made.onAdd = function () { return stop(make()); };
    made.addTo(map);
    chrome.push(made);
    return made;
  }
  function icon(path) {
    var NS = "http://www.w3.org/2000/svg", pic = document.createElementNS(NS, "svg"), line = document.createElementNS(NS, "path");
    pic.setAttribute("viewBox", "0 0 18 18"); pic.setAttribute("width", 18); pic.setAttribute("height", 18); pic.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path); line.setAttribute("fill", "none"); line.setAttribute("stroke", "currentColor"); line.setAttribute("stroke-width", 1.6);
    line.setAttribute("stroke-linejoin", "round"); line.setAttribute("stroke-linecap", "round");
    pic.appendChild(line);
    return pic;
  }
  var ICONS = {
    zoom_in: "M9 3v12M3 9h12", zoom_out: "M3 9h12", home: "M3 9l6-6 6 6M5 8v7h8V8", full: "M3 7V3h4M11 3h4v4M15 11v4h-4M7 15H3v-4",
    measure: "M2 11l9-9 5 5-9 9zM5 8l2 2M8 5l2 2", print: "M5 7V2h8v5M5 13H3V7h12v6h-2M5 11h8v5H5z"
  };

  /* ---- opening ---- */
  LC.open = function (map, archive) {
    LC.map = map;
    var view = LC.viewOf(map);
    LC.archive(archive).then(function (held) {
      pages = held.content.pages;
      turn(0);
      LC.narrow = map.getContainer().parentNode.offsetWidth < 1200;
      if (page.compare.length) second(map, view);
      LC.bounds = L.latLngBounds(page.bounds);
      build(map);
      home();
      if (LC.other) LC.other.map.setView(map.getCenter(), map.getZoom(), {animate: false});
      if (page.tiles) tiles(map, held);
      map.on("layeradd layerremove", function (e) {
        if (!(e.layer instanceof LC.Features)) return;
        if (e.type === "layeradd") alone(e.layer);
        later();
      });
      map.on("lcpick", later);
      map.on("resize", function () { fit(map); });
      paper(map);
      LC.views.forEach(function (view) { view.write(); });
      setTimeout(function () { LC.isReady = true; }, 0);
    });
  };
  function turn(language) {
    LC.language = language;
    page = pages[language] || pages[0];
    LC.words = page.words;
    document.documentElement.lang = page.language;
    LC.order.forEach(function (layer) { layer.load(); });
  }
  function build(map) {
    card(map);
    tools(map);
    panel(LC.other ? LC.other.map : map);
    if (page.lists.length) ranking(LC.other ? LC.other.map : map);
    if (!LC.other) overview(map);
    chrome.push(L.control.scale({imperial: false, position: "bottomright", maxWidth: 140}).addTo(LC.other ? LC.other.map : map));
    legendControl(map);
    legend();
    fit(map);
  }
  function again(map) {
    LC.views.forEach(function (view) { view.clear(); });
    chrome.splice(0).forEach(function (made) { made.remove(); });
    if (LC.other) LC.other.name();
    build(map);
    LC.views.forEach(function (view) { view.paint(); view.write(); });
  }
  function free() { return LC.other ? [12, 48] : LC.map.getSize().x < 800 ? [16, 64] : [304, 16]; }
  LC.room = function () {
    var wide = LC.map.getSize().x;
    return wide < 800 || LC.other ? {paddingTopLeft: [16, 150], paddingBottomRight: [16, 60]}
      : {paddingTopLeft: [330, 90], paddingBottomRight: [LC.narrow ? 60 : 270, 90]};
  };
  /* where no popup should lie: below the boxes, or on a narrow window below the title */
  LC.beside = function (map) {
    var wide = map.getSize().x;
    if (LC.other && map.getContainer().parentNode.classList.contains("lc-wide")) return [[16, 44], [map === LC.other.map ? 244 : 16, 16]];
    if (wide < 800) return [[8, map._controlCorners.topleft.offsetHeight + 10], [8, 30]];
    return [[306, 16], [LC.narrow ? 60 : 244, 16]];
  };
  function home() {
    LC.map.fitBounds(LC.bounds, {animate: false, paddingTopLeft: free(), paddingBottomRight: [LC.narrow || LC.other ? 16 : 222, LC.narrow ? 16 : 24]});
  }

  /* ---- title ---- */
  function card(map) {
    control(map, "topleft", function () {
      var box = el("div", "lc-card lc-title");
      el("h1", "", LC.short(page.title), box).title = page.title;
      if (page.subtitle) el("div", "lc-sub", page.subtitle, box);
      if (page.badge) el("div", "lc-badge", page.badge, box);
      page.warn.forEach(function (line) { el("div", "lc-warn", line, box); });
      if (page.summary.length) {
        var table = el("table", "", null, box);
        page.summary.forEach(function (pair) {
          var row = el("tr", "", null, table);
          el("td", "", pair[0], row); el("td", "", pair[1], row);
          if (pair[2]) el("td", "", pair[2], el("tr", "lc-more", null, table)).colSpan = 2;
        });
      }
      if (page.note) el("div", "lc-note", page.note, box);
      if (page.index.length) find(el("div", "lc-find", null, box));
      return box;
    });
  }

  /* ---- tools ---- */
  function tools(map) {
    control(map, "topleft", function () {
      var bar = el("div", "lc-tools"), whole = map.getContainer().parentNode;
      function button(name, call) {
        var made = el("button", "lc-" + name, null, bar);
        made.type = "button";
        made.title = page.words[name];
        made.setAttribute("aria-label", page.words[name]);
        made.appendChild(icon(ICONS[name]));
        L.DomEvent.on(made, "click", function (e) { L.DomEvent.stop(e); call(made); });
        return made;
      }
      button("zoom_in", function () { map.zoomIn(1); });
      button("zoom_out", function () { map.zoomOut(1); });
      button("home", home);
      button("full", function () {
        if (document.fullscreenElement) document.exitFullscreen(); else if (whole.requestFullscreen) whole.requestFullscreen();
      });
      button("measure", function (made) { measure(map, made); });
      button("print", function () { LC.print(); });
      if (pages.length > 1) {
        var other = pages[1 - LC.language], made = el("button", "lc-language", other.language === "zh" ? "中" : "EN", bar);
        made.type = "button";
        made.title = other.language === "zh" ? "中文" : "English";
        L.DomEvent.on(made, "click", function (e) { L.DomEvent.stop(e); turn(1 - LC.language); again(map); });
      }
      return bar;
    });
  }

  /* ---- measuring: lengths and areas on the ellipsoid about the middle of what is drawn ---- */
  var AXIS = 6378137, E2 = 0.00669437999014;
  LC.measured = function (spots) {
    var middle = 0, length = 0, area = 0, k;
    for (k = 0; k < spots.length; k++) middle += spots[k].lat / spots.length;
    var phi = middle * Math.PI / 180, w = Math.sqrt(1 - E2 * Math.sin(phi) * Math.sin(phi));
    var east = AXIS / w * Math.cos(phi) * Math.PI / 180, north = AXIS * (1 - E2) / (w * w * w) * Math.PI / 180;
    for (k = 0; k < spots.length; k++) {
      var a = spots[k], b = spots[(k + 1) % spots.length];
      if (k + 1 < spots.length) length += Math.hypot((b.lng - a.lng) * east, (b.lat - a.lat) * north);
      area += ((a.lng - spots[0].lng) * (b.lat - spots[0].lat) - (b.lng - spots[0].lng) * (a.lat - spots[0].lat)) * east * north / 2;
    }
    return {length: length, area: Math.abs(area)};
  };
  function measure(map, made) {
    if (LC.tool) { LC.tool.end(); return; }
    var spots = [], svg = L.svg(), look = {renderer: svg, interactive: false, color: "#c8442c", weight: 2.5, dashArray: "5 4", fillColor: "#c8442c", fillOpacity: 0.12};
    var line = L.polygon([], look).addTo(map), said = null, finished = false;
    function say() {
      line.setLatLngs(spots);
      if (!said) { said = control(map, "bottomleft", function () { return el("div", "lc-card lc-measure"); }); }
      var box = said.getContainer(), found = LC.measured(spots);
      box.textContent = "";
      if (spots.length < 2) { el("div", "", page.words.measure_how, box); fit(map); return; }
      var km = found.length >= 1000;
      el("div", "", page.words.length + " " + LC.number(km ? found.length / 1000 : found.length, km ? 3 : 1) + (km ? " km" : " m"), box);
      if (spots.length > 2) {
        var ha = found.area >= 10000;
        el("div", "", page.words.area + " " + (ha ? LC.number(found.area / 10000, 3) + " " + page.words.hectares : LC.number(found.area, 1) + " m²"), box);
      }
      fit(map);
    }
    function click(e) { if (finished) { spots = []; finished = false; } spots.push(e.latlng); say(); }
    function end(e) { if (!e || e.key === "Escape") LC.tool && LC.tool.end(); }
    function twice() { finished = true; if (spots.length > 1 && spots[spots.length - 1].equals(spots[spots.length - 2])) spots.pop(); say(); }
    made.classList.add("lc-lit");
    map.getContainer().classList.add("lc-cross");
    map.doubleClickZoom.disable();
    map.on("click", click).on("dblclick", twice);
    document.addEventListener("keydown", end);
    say();
    LC.tool = {spots: function () { return spots; }, end: function () {
      LC.tool = null;
      made.classList.remove("lc-lit");
      map.getContainer().classList.remove("lc-cross");
      map.off("click", click).off("dblclick", twice);
      map.doubleClickZoom.enable();
      document.removeEventListener("keydown", end);
      line.remove(); svg.remove();
      if (said) { said.remove(); chrome.splice(chrome.indexOf(said), 1); }
      fit(map);
    }};
    LC.views.forEach(function (view) { view.clear(); });
  }

  /* ---- layers ---- */
  function alone(added) {
    if (!added.spec || !added.spec.one) return;
    LC.order.forEach(function (other) {
      if (other !== added && other.spec.one === added.spec.one && other.spec.name !== added.spec.name && LC.map.hasLayer(other)) setTimeout(function () { other.remove(); }, 0);
    });
  }
  var boxes = [];
  function folding(box, key, title) {
    var head = el("button", "lc-head", title);
    head.type = "button";
    box.insertBefore(head, box.firstChild);
    if (!(key in folded)) folded[key] = LC.narrow || LC.map.getSize().y < 560;
    function say() { box.classList.toggle("lc-folded", folded[key]); head.setAttribute("aria-expanded", String(!folded[key])); fit(LC.map); }
    L.DomEvent.on(head, "click", function (e) { L.DomEvent.stop(e); folded[key] = !folded[key]; say(); });
    box.classList.toggle("lc-folded", folded[key]);
    head.setAttribute("aria-expanded", String(!folded[key]));
  }
  function panel(map) {
    boxes = [];
    control(map, "topright", function () {
      var card = el("div", "lc-card lc-layers"), list = el("div", "lc-body", null, card);
      page.groups.forEach(function (group) {
        var part = el("div", "lc-group", null, list), head = el("button", "lc-group-name", group.name, part);
        head.type = "button";
        var on = group.keys.some(function (key) { return LC.map.hasLayer(LC.layers[key]); });
        if (!(group.id in shut)) shut[group.id] = !on;
        part.classList.toggle("lc-shut", shut[group.id]);
        L.DomEvent.on(head, "click", function (e) { L.DomEvent.stop(e); shut[group.id] = part.classList.toggle("lc-shut"); fit(LC.map); });
        var named = {};  /* a layer that differs from side to side has one box */
        group.keys.forEach(function (key) {
          var layer = LC.layers[key], name = layer.spec.name;
          if (named[name] && layer.spec.side) { named[name].push(layer); return; }
          var layers = named[name] = [layer], label = el("label", "", null, part), box = el("input", "lc-switch", null, label);
          box.type = "checkbox";
          box.checked = LC.map.hasLayer(layer);
          el("span", "", name, label);
          L.DomEvent.on(box, "change", function () {
            layers.forEach(function (one) { if (box.checked) one.addTo(LC.map); else one.remove(); });
          });
          boxes.push({box: box, layers: layers, part: part, id: group.id});
        });
      });
      folding(card, "layers", page.words.layers);
      return card;
    });
  }
  function ticks() {
    boxes.forEach(function (b) {
      var on = b.layers.some(function (layer) { return LC.map.hasLayer(layer); });
      if (on && !b.box.checked && shut[b.id]) { shut[b.id] = false; b.part.classList.remove("lc-shut"); }
      b.box.checked = on;
    });
  }

  /* ---- ranking: a click zooms to the place and marks it ---- */
  var MOST = 60, ranked = 0, rankBody = null;
  function ranking(map) {
    control(map, "topright", function () {
      var card = el("div", "lc-card lc-ranking");
      rankBody = el("div", "lc-body", null, card);
      folding(card, "ranking", page.words.ranking);
      ranks();
      return card;
    });
  }
  function choice(label, values, at, call, parent) {
    var box = el("label", "lc-pick", null, parent), select;
    el("span", "", label, box);
    select = el("select", "", null, box);
    values.forEach(function (text, value) { el("option", "", text, select).value = value; });
    select.value = at;
    L.DomEvent.on(select, "change", function () { call(Number(select.value)); });
    L.DomEvent.on(select, "keydown", L.DomEvent.stopPropagation);
  }
  function ranks() {
    if (!rankBody) return;
    var list = page.lists[Math.min(ranked, page.lists.length - 1)], layer = LC.layers[list.key], again = document.activeElement;
    rankBody.textContent = "";
    if (page.lists.length > 1) choice(page.words.list, page.lists.map(function (one) { return one.title; }), ranked, function (to) { ranked = to; ranks(); fit(LC.map); }, rankBody);
    else el("h2", "", list.title, rankBody);
    layer.get();
    if (layer.spec.pick) choice(layer.spec.pick.l, layer.spec.pick.values, layer.at, function (to) { layer.choose(to); later(); ranks(); }, rankBody);
    var shown = list.rows.filter(function (row) { return layer.picked(row[0]); }), rows = el("ol", "", null, rankBody);
    shown.slice(0, MOST).forEach(function (row, k) {
      var item = el("button", "", null, el("li", "", null, rows));
      item.type = "button";
      el("i", "", k + 1, item);
      var text = el("span", "", LC.short(row[1]), item);
      if (row[3]) el("small", "", row[3], text);
      el("b", "", row[2], item);
      L.DomEvent.on(item, "click", function (e) {
        L.DomEvent.stop(e);
        rows.querySelectorAll(".lc-lit").forEach(function (lit) { lit.classList.remove("lc-lit"); });
        item.classList.add("lc-lit");
        LC.show(list.key, row[0]);
      });
    });
    if (shown.length > MOST) el("div", "lc-none", page.words.first.replace("{}", MOST).replace("{}", shown.length), rankBody);
    if (!shown.length) el("div", "lc-none", page.words.nothing, rankBody);
  }

  /* ---- legend: the classes of the layers that are on ---- */
  var waiting = null, legendBody = null;
  function later() {
    if (waiting === null) waiting = setTimeout(function () { waiting = null; ticks(); legend(); fit(LC.map); LC.views.forEach(function (view) { view.write(); }); }, 0);
  }
  function swatch(kind, c) {
    var NS = "http://www.w3.org/2000/svg", pic = document.createElementNS(NS, "svg");
    pic.setAttribute("width", 20); pic.setAttribute("height", 14);
    function part(tag, values) {
      var node = document.createElementNS(NS, tag);
      for (var name in values) if (values[name] !== undefined && values[name] !== null) node.setAttribute(name, values[name]);
      pic.appendChild(node);
    }
    if (kind === "line") part("line", {x1: 1, x2: 19, y1: 7, y2: 7, stroke: c.c, "stroke-width": Math.min(5, c.w || 2), "stroke-dasharray": c.d});
    else if (kind === "point") part("circle", {cx: 10, cy: 7, r: Math.min(6, (c.r || 4) + 0.5), fill: c.c, stroke: c.s || "#fff", "stroke-width": c.w === undefined ? 1 : c.w});
    else {
      if (c.h) part("path", {d: "M2 7.5L7.5 2M2 12.5L12.5 2M7.5 12.5L17.5 2.5M12.5 12.5L18 7", stroke: c.h});
      part("rect", {x: 1.5, y: 1.5, width: 17, height: 11, rx: 1.5, fill: c.h ? "none" : c.c || "none", "fill-opacity": c.o === undefined ? 0.85 : c.o,
        stroke: c.s && c.s.toLowerCase() !== "#fff" && c.s.toLowerCase() !== "#ffffff" ? c.s : "#9aa4ab", "stroke-width": 1, "stroke-dasharray": c.d});
    }
    return pic;
  }
  function entry(box, spec, c, text) {
    var row = el("div", "lc-row", null, box.node);
    row.appendChild(swatch(spec.kind, c));
    el("span", "", LC.short(text), row);
    box.said.push(c.l);
  }
  function legend() {
    var body = legendBody, picks = false, parts = {};
    if (!body) return;
    body.textContent = "";
    LC.order.slice().reverse().sort(function (a, b) { return (a.spec.rank || 0) - (b.spec.rank || 0); }).forEach(function (layer) {
      if (!LC.map.hasLayer(layer)) return;
      var spec = layer.spec, single = spec.classes.length === 1 && !spec.classes[0].l, box = spec.side && parts[spec.name];
      if (box) {
        spec.classes.forEach(function (c) { if (!single && box.said.indexOf(c.l) < 0) entry(box, spec, c, c.l); });
        return;
      }
      if (!single || spec.pick) el("h2", "", spec.name, body);
      if (spec.pick) { picks = true; layer.get(); choice(spec.pick.l, spec.pick.values, layer.at, function (to) { layer.choose(to); ranks(); }, body); }
      box = parts[spec.name] = {node: el("div", spec.classes.length > 8 ? "lc-two" : "", null, body), said: []};
      spec.classes.forEach(function (c) { entry(box, spec, c, single ? spec.name : c.l); });
    });
    if (!body.childNodes.length) el("div", "lc-none", page.words.none, body);
    body.parentNode.classList.toggle("lc-picks", picks);
  }
  function legendControl(map) {
    control(map, "bottomleft", function () {
      var box = el("div", "lc-card lc-legend");
      legendBody = el("div", "lc-body", null, box);
      folding(box, "legend", page.words.legend);
      if (!LC.narrow || LC.map.getSize().x >= 720) { folded.legend = false; box.classList.remove("lc-folded"); }
      return box;
    });
  }
  function onPaper() { return document.documentElement.classList.contains("lc-paper"); }
  /* what stands below one another shares the height there is */
  function fit(map) {
    var high = map.getSize().y, right = (LC.other ? LC.other.map : map).getContainer();
    var left = map._controlCorners.topleft, space = high - (onPaper() && !LC.other ? 40 : left.offsetHeight) - 66;
    var measured = map.getContainer().querySelector(".lc-card.lc-measure");
    if (measured) space -= measured.offsetHeight + 10;
    if (legendBody) legendBody.style.maxHeight = Math.max(40, space) + "px";
    if (legendBody && space < 90) legendBody.parentNode.classList.add("lc-tight"); else if (legendBody) legendBody.parentNode.classList.remove("lc-tight");
    var lists = right.querySelector(".lc-layers .lc-body"), rank = right.querySelector(".lc-ranking .lc-body");
    var below = right.querySelector(".leaflet-bottom.leaflet-right"), room = high - (below ? below.offsetHeight : 0) - 112;
    if (!lists) return;
    lists.style.maxHeight = "";
    var wanted = lists.scrollHeight, open = rank && !rank.parentNode.classList.contains("lc-folded");
    var given = lists.parentNode.classList.contains("lc-folded") ? 0 : open ? Math.min(wanted, Math.max(120, room - Math.min(rank.scrollHeight, room * 0.42))) : Math.min(wanted, room);
    lists.style.maxHeight = Math.max(60, given) + "px";
    if (rank) rank.style.maxHeight = Math.max(60, room - given) + "px";
  }

  /* ---- search ---- */
  function find(parent) {
    var input = el("input", "", null, parent), list = el("ul", "", null, parent), names = null, at = -1, shown = [];
    input.type = "search"; input.placeholder = page.words.find; input.setAttribute("aria-label", page.words.find);
    list.hidden = true;
    function prepare() {
      names = [];
      page.index.forEach(function (entry) {
        var archive = LC.layers[entry.key].archive, held = archive.piece(entry.names);
        for (var i = 0; i < held.length; i++) { var name = held.get(i); if (name !== null) names.push([name.toLowerCase(), name, entry, i]); }
      });
    }
    function search() {
      var wanted = input.value.trim().toLowerCase();
      if (!names) prepare();
      shown = []; at = -1;
      for (var pass = 0; wanted && pass < 2; pass++) for (var k = 0; k < names.length && shown.length < 40; k++) {
        var place = names[k][0].indexOf(wanted);
        if (pass === 0 ? place === 0 : place > 0) shown.push(names[k]);
      }
      list.textContent = "";
      shown.forEach(function (one) {
        var item = el("li", "", LC.short(one[1]), list);
        el("small", "", one[2].kind, item);
        L.DomEvent.on(item, "mousedown", L.DomEvent.preventDefault).on(item, "click", function (e) { L.DomEvent.stop(e); take(one); });
      });
      if (wanted && !shown.length) el("li", "lc-none", page.words.not_found, list);
      list.hidden = !wanted;
    }
    function take(one) {
      input.value = one[1];
      list.hidden = true;
      LC.show(one[2].key, one[3]);
    }
    L.DomEvent.on(input, "input", search);
    L.DomEvent.on(input, "focus", function () { if (input.value) search(); });
    L.DomEvent.on(input, "blur", function () { list.hidden = true; });
    L.DomEvent.on(input, "keydown", function (e) {
      L.DomEvent.stopPropagation(e);
      if (e.key === "Escape") { input.value = ""; search(); return; }
      if (e.key === "Enter") { if (list.hidden) search(); if (shown.length) take(shown[Math.max(0, at)]); return; }
      if (e.key !== "ArrowDown" && e.key !== "ArrowUp" || !shown.length) return;
      e.preventDefault();
      at = (at + (e.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length;
      list.childNodes.forEach(function (item, k) { item.classList.toggle("lc-lit", k === at); });
      list.childNodes[at].scrollIntoView({block: "nearest"});
    });
  }

  /* ---- the small map: where in the whole one is ---- */
  function overview(map) {
    var wide = 148, high = 104, box, frame, t, picture;
    function whole() {
      var a = L.Projection.SphericalMercator.project(LC.bounds.getSouthWest()), b = L.Projection.SphericalMercator.project(LC.bounds.getNorthEast());
      var k = Math.min((wide - 8) / (b.x - a.x || 1), (high - 8) / (b.y - a.y || 1)) / 10;
      return {k: k, ox: wide / 2 - (a.x + b.x) * 5 * k, oy: high / 2 + (a.y + b.y) * 5 * k, w: wide, h: high, dpr: window.devicePixelRatio > 1 ? 2 : 1, small: 0.3};
    }
    function move() {
      var view = map.getBounds(), a = L.Projection.SphericalMercator.project(view.getSouthWest()), b = L.Projection.SphericalMercator.project(view.getNorthEast());
      var west = Math.max(0, a.x * 10 * t.k + t.ox), east = Math.min(wide, b.x * 10 * t.k + t.ox), north = Math.max(0, t.oy - b.y * 10 * t.k), south = Math.min(high, t.oy - a.y * 10 * t.k);
      frame.style.left = west + "px"; frame.style.top = north + "px";
      frame.style.width = Math.max(4, east - west) + "px"; frame.style.height = Math.max(4, south - north) + "px";
    }
    var made = control(map, "bottomright", function () {
      box = el("div", "lc-card lc-mini");
      picture = el("canvas", "", null, box);
      frame = el("div", "lc-frame", null, box);
      t = whole();
      picture.width = wide * t.dpr; picture.height = high * t.dpr;
      picture.style.width = wide + "px"; picture.style.height = high + "px";
      L.DomEvent.on(box, "click", function (e) {
        var spot = box.getBoundingClientRect();
        map.panTo(LC.place((e.clientX - spot.left - t.ox) / t.k, (t.oy - (e.clientY - spot.top)) / t.k));
      });
      box.title = page.words.mini;
      return box;
    });
    setTimeout(function () {
      var pen = picture.getContext("2d");
      pen.scale(t.dpr, t.dpr);
      LC.draw(pen, LC.views[0].layersNow().filter(function (layer) { return layer.spec.kind !== "point"; }), t);
      move();
    }, 0);
    map.on("move", move);
    made.onRemove = function () { map.off("move", move); };
  }

  /* ---- before and after: a second map that moves with the first ---- */
  function second(map, view) {
    var root = map.getContainer(), holder = root.parentNode, node = el("div", "folium-map lc-right", null, holder), busy = false;
    holder.classList.add("lc-pair");
    if (holder.offsetWidth >= 1000) {  /* room for the boxes beside the maps */
      holder.classList.add("lc-wide");
      root.querySelectorAll(".leaflet-left").forEach(function (corner) { holder.appendChild(corner); });
    }
    map.invalidateSize({pan: false});
    var other = L.map(node, {zoomControl: false, attributionControl: map.options.attributionControl, zoomSnap: map.options.zoomSnap, zoomDelta: map.options.zoomDelta,
      wheelPxPerZoomLevel: map.options.wheelPxPerZoomLevel, maxZoom: map.options.maxZoom, minZoom: map.options.minZoom, center: map.getCenter(), zoom: map.getZoom()});
    view.side = 1;
    var twin = new LC.View(2);
    twin.twin = view;
    other.lifecircle = twin;
    map.eachLayer(function (one) { if (one instanceof L.TileLayer) L.tileLayer(one._url, one.options).addTo(other); });
    LC.views.push(twin);
    other.addLayer(twin);
    function tie(from, to) {
      from.on("move zoomend", function () {
        if (busy) return;
        busy = true;
        to.setView(from.getCenter(), from.getZoom(), {animate: false});
        busy = false;
      });
      var ghost = null;
      from.on("mousemove", function (e) {
        if (!ghost) ghost = L.circleMarker(e.latlng, {renderer: L.svg({pane: "tooltipPane"}), interactive: false, radius: 5, color: "#111", weight: 1.5, fill: false}).addTo(to);
        ghost.setLatLng(e.latlng);
      }).on("mouseout", function () { if (ghost) { ghost.remove(); ghost = null; } });
    }
    tie(map, other); tie(other, map);
    var names = [el("div", "lc-side", null, root), el("div", "lc-side", null, node)];
    LC.other = {map: other, view: twin, name: function () { names.forEach(function (name, k) { name.textContent = page.compare[k]; }); }};
    LC.other.name();
  }

  /* ---- tiles that the page itself carries ---- */
  function tiles(map, held) {
    var all = page.tiles, Held = L.GridLayer.extend({
      createTile: function (at) {
        var image = document.createElement("img"), ref = all.held[at.z + "/" + at.x + "/" + at.y];
        image.alt = "";
        if (ref) {
          var url = URL.createObjectURL(new Blob([held.piece(ref)], {type: all.type}));
          image.onload = function () { URL.revokeObjectURL(url); };
          image.src = url;
        }
        return image;
      }
    });
    LC.views.forEach(function (view) {
      new Held({minZoom: 0, minNativeZoom: all.from, maxNativeZoom: all.to, maxZoom: 22, attribution: all.credit}).addTo(view._map);
    });
  }

  /* ---- paper: by the button the map takes the sheet's shape, finely drawn; printed otherwise, the window is put onto the sheet as it is,
     for what is drawn on a canvas once printing has begun does not reach the paper ---- */
  var WIDE = 281 * 96 / 25.4, HIGH = 190 * 96 / 25.4;
  function paper(map) {
    var root = document.documentElement, before = null, seen = LC.bounds;
    function every(call) { LC.views.forEach(function (view) { call(view._map, view); }); }
    /* the whole goes between the boxes of the sheet, a part of it as it is */
    map.on("moveend", function () { if (!onPaper()) seen = map.getBounds().contains(LC.bounds) ? LC.bounds : null; });
    LC.paper = function (on) {
      if (on === onPaper()) return;
      if (on) before = map.getBounds().pad(-0.02);
      root.classList.toggle("lc-paper", on);
      LC.fine = on ? 3 : 0;
      every(function (one, view) { view.hover(null); one.invalidateSize({animate: false, pan: false}); });
      var room = {animate: false};
      if (on && seen) { room.paddingTopLeft = LC.other ? [8, 48] : [304, 8]; room.paddingBottomRight = LC.other ? [8, 8] : [264, 8]; }
      map.fitBounds(on && seen || before, room);
      fit(map);
      every(function (one, view) { view._update(); });
    };
    LC.print = function () {
      LC.paper(true);
      requestAnimationFrame(function () { requestAnimationFrame(function () { window.print(); LC.paper(false); }); });
    };
    window.addEventListener("beforeprint", function () {
      if (onPaper()) return;
      var w = window.innerWidth, h = window.innerHeight;
      root.style.setProperty("--lc-w", w + "px");
      root.style.setProperty("--lc-h", h + "px");
      root.style.setProperty("--lc-s", Math.min(WIDE / w, HIGH / h));
      root.classList.add("lc-shrunk");
    });
    window.addEventListener("afterprint", function () { root.classList.remove("lc-shrunk"); });
  }

  /* ---- names in the middle of areas, only where they fit ---- */
  LC.View.include({
    write: function () {
      var map = this._map, self = this, texts = [], taken = [];
      if (this.texts) this.texts.remove();
      this.texts = null;
      if (!map) return;
      this.layersNow().forEach(function (layer) {
        var labels = layer.spec.labels;
        if (!labels) return;
        var spots = layer.archive.piece(labels.geo), seen = map.getBounds(), box = layer.get().box, k = self.frame().k;
        for (var i = 0; i < spots.n && texts.length < 300; i++) {
          var text = labels.text[i], wide = 0, at = LC.place(spots.x[i], spots.y[i]), b = 4 * i;
          if (!text || !seen.contains(at)) continue;
          for (var c = 0; c < text.length; c++) wide += text.charCodeAt(c) > 0x2e80 ? 12 : 7;
          if ((box[b + 2] - box[b]) * k < wide + 6 || (box[b + 3] - box[b + 1]) * k < 34) continue;
          var spot = map.latLngToLayerPoint(at);
          if (taken.some(function (one) { return Math.abs(one.x - spot.x) < (one.wide + wide) / 2 + 4 && Math.abs(one.y - spot.y) < 32; })) continue;
          taken.push({x: spot.x, y: spot.y, wide: wide});
          var node = el("span", "", text);
          if (labels.more[i]) el("em", "", labels.more[i], node);
          texts.push(L.marker(at, {interactive: false, keyboard: false, icon: L.divIcon({className: "lc-label", iconSize: [0, 0], html: node})}));
        }
      });
      if (texts.length) this.texts = L.layerGroup(texts).addTo(map);
    }
  });
  LC.View.addInitHook(function () { this.on("update", this.write, this); });
})();
