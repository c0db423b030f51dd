/* Layers drawn on one canvas from compact tables. Text of the data only ever enters the page as textContent. */
(function () {
  "use strict";
  var LC = window.lifecircle = {geo: [], order: [], layers: {}, words: {}};

  function el(tag, cls, text, parent) {
    var node = document.createElement(tag);
    if (cls) node.className = cls;
    if (text !== undefined && text !== null) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  }

  /* ---- geometry: whole millionths of a degree, or of as many digits as it says, each the step from the one before ---- */
  function reader(pack) {
    var x = pack.o[0], y = pack.o[1], at = 0, d = pack.d, unit = Math.pow(10, pack.e || 6);
    return function (count) {
      var out = new Array(count);
      for (var k = 0; k < count; k++) {
        x += d[at++]; y += d[at++];
        out[k] = [y / unit, x / unit];
      }
      return out;
    };
  }
  function shapes(number) {
    var pack = LC.geo[number];
    if (pack.shapes) return pack.shapes;
    var take = reader(pack), out = [], ring = 0, part = 0;
    for (var f = 0; f < pack.n; f++) {
      if (pack.k === "point") { out.push(take(1)[0]); continue; }
      var parts = [], count = pack.f ? pack.f[f] : 1;
      for (var p = 0; p < count; p++) {
        if (pack.k === "line") { parts.push(take(pack.r[ring++])); continue; }
        var rings = [], many = pack.p ? pack.p[part++] : 1;
        for (var r = 0; r < many; r++) rings.push(take(pack.r[ring++]));
        parts.push(rings);
      }
      out.push(parts);
    }
    pack.d = null;
    return (pack.shapes = out);
  }

  /* ---- values ---- */
  function number(value, digits) {
    return value.toLocaleString("en-US", {maximumFractionDigits: digits === undefined ? 2 : digits});
  }
  function shown(field, i) {
    var v = field.w ? field.w[field.v[i]] : field.v[i];
    if (v === null || v === undefined || v === "") return null;
    if (field.t === "share") return number(100 * v, 1) + " %";
    if (field.t === "year") return String(v);
    if (field.t === "number") return number(v) + (field.u ? " " + field.u : "");
    if (field.t === "bool") return v ? LC.words.yes : LC.words.no;
    return String(v);
  }
  function first(fields, i) {
    for (var k = 0; k < fields.length; k++) { var v = shown(fields[k], i); if (v !== null && v !== "") return v; }
    return null;
  }
  function pairs(fields, i, box) {
    var table = null;
    fields.forEach(function (field) {
      var v = shown(field, i);
      if (v === null && !field.keep) return;
      table = table || el("table", "lc-kv", null, box);
      var row = el("tr", "", null, table);
      el("td", "", field.l, row);
      el("td", "", v === null ? LC.words.unknown : v, row);
    });
  }
  function listed(list, i, box) {
    var rows = list.rows[i];
    if (!rows || !rows.length) return;
    el("h3", "", list.title, box);
    var table = el("table", "lc-list", null, box), head = el("tr", "", null, table);
    list.heads.forEach(function (h, k) { el("th", list.num[k] ? "lc-num" : "", h, head); });
    rows.forEach(function (cells) {
      var row = el("tr", "", null, table);
      cells.forEach(function (c, k) {
        var text = typeof c === "number" ? (list.words && list.words[k] ? list.words[k][c] : number(c)) : c;
        el("td", list.num[k] ? "lc-num" : "", text, row);
      });
    });
  }
  function evidence(rules, i, box) {
    var table = null;
    rules.forEach(function (rule) {
      var answer = rule.a.w[rule.a.v[i]];
      if (answer === undefined || answer === null || answer === "not applicable") return;
      if (!table) {
        el("h3", "", LC.words.evidence, box);
        table = el("table", "lc-list", null, box);
        var head = el("tr", "", null, table);
        LC.words.evidence_heads.forEach(function (h) { el("th", "", h, head); });
      }
      var row = el("tr", /yes|fail/.test(answer) ? "lc-yes" : answer === "not known" ? "lc-unknown" : "", null, table);
      el("td", "", rule.l, row);
      el("td", "", rule.v ? shown(rule.v, i) || "–" : "–", row);
      el("td", "", rule.h, row).title = rule.s || "";
      el("td", "", LC.words.answers[answer] || answer, row);
    });
  }

  /* ---- one layer ---- */
  LC.Features = L.FeatureGroup.extend({
    initialize: function (spec) {
      L.FeatureGroup.prototype.initialize.call(this, []);
      this.spec = spec;
      var self = this;
      if (spec.title.length || spec.tip.length) {
        this.bindTooltip(function (shape) { return self.tip(shape.i); },
          {sticky: spec.kind !== "point", className: "lc-tip", direction: "auto", opacity: 1, offset: [10, 0]});
      }
      if (spec.pop) this.bindPopup(function (shape) { return self.popup(shape.i); }, {maxWidth: 400, autoPanPadding: [24, 24]});
      this.on("mouseover", function (e) { self.mark(e.propagatedFrom || e.layer, true); });
      this.on("mouseout", function (e) { self.mark(e.propagatedFrom || e.layer, false); });
    },
    /* whether the feature is one of those picked in the legend */
    picked: function (i) { return !this.spec.pick || this.spec.pick.of[i] === this.spec.pick.at; },
    choose: function (value) {
      this.spec.pick.at = value;
      if (!this.byNumber) return;
      this.closeTooltip();
      if (this.spec.pop) this.closePopup();
      this.clearLayers();
      this.build();
      if (this._map) raise(this);
    },
    style: function (i) {
      var c = this.spec.classes[this.spec.cls ? this.spec.cls[i] : 0];
      var kind = this.spec.kind;
      if (kind === "line") return {color: c.c, weight: c.w || 2, opacity: c.o === undefined ? 1 : c.o, dashArray: c.d || null, fill: false};
      return {color: c.s || "#fff", weight: c.w === undefined ? 1 : c.w, opacity: c.so === undefined ? 1 : c.so, dashArray: c.d || null,
              fillColor: c.h ? hatch(c.h) : c.c, fillOpacity: c.o === undefined ? 0.85 : c.o, fill: !!c.h || c.c !== null, radius: c.r || 4};
    },
    build: function () {
      var spec = this.spec, list = shapes(spec.geo);
      this.byNumber = new Array(list.length);
      var order = list.map(function (shape, i) { return i; });
      if (spec.front && spec.cls) order.sort(function (a, b) { return spec.cls[b] - spec.cls[a] || a - b; });
      for (var k = 0; k < order.length; k++) {
        var i = order[k], options, shape;
        if (!this.picked(i)) continue;
        options = this.style(i);
        options.renderer = LC.renderer;
        options.bubblingMouseEvents = false;
        options.interactive = !spec.still;
        options.smoothFactor = spec.kind === "line" ? 0.8 : 0.6;
        if (spec.kind === "point") shape = L.circleMarker(list[i], options);
        else if (spec.kind === "line") shape = L.polyline(list[i], options);
        /* of nested bands only the ring outside the next smaller one is filled: what two rings cover counts as a hole */
        else shape = L.polygon(spec.nest && spec.nest[i] >= 0 ? [[].concat.apply([], list[i].concat(list[spec.nest[i]]))] : list[i], options);
        shape.i = i;
        this.byNumber[i] = shape;
        this.addLayer(shape);
      }
    },
    onAdd: function (map) {
      if (!this.byNumber) this.build();
      L.FeatureGroup.prototype.onAdd.call(this, map);
      if (this.spec.labels) { this.write(); map.on("zoomend", this.write, this); }
    },
    onRemove: function (map) {
      L.FeatureGroup.prototype.onRemove.call(this, map);
      if (this.texts) { this.texts.remove(); map.off("zoomend", this.write, this); }
    },
    mark: function (shape, on) {
      if (!shape || shape.i === undefined || this.spec.still) return;
      if (!on) { shape.setStyle(this.style(shape.i)); return; }
      if (this.spec.kind === "point") shape.setStyle({color: "#111", weight: 2});
      else if (this.spec.kind === "line") shape.setStyle({color: "#111", weight: (shape.options.weight || 2) + 1.5, opacity: 1});
      else shape.setStyle({color: "#111", weight: 2, opacity: 1});
    },
    /* names in the middle of areas, only where they fit */
    write: function () {
      var map = this._map, spec = this.spec, spots, texts = [], self = this;
      if (!map) return;
      if (this.texts) this.texts.remove();
      spots = shapes(spec.labels.geo);
      spots.forEach(function (spot, i) {
        var text = spec.labels.text[i];
        if (!text) return;
        var box = self.byNumber[i].getBounds(), a = map.latLngToLayerPoint(box.getNorthWest()), b = map.latLngToLayerPoint(box.getSouthEast());
        var wide = 0;
        for (var k = 0; k < text.length; k++) wide += text.charCodeAt(k) > 0x2e80 ? 12 : 7;
        if (b.x - a.x < wide + 6 || b.y - a.y < 34) return;
        var node = el("span", "", text);
        if (spec.labels.more[i]) el("em", "", spec.labels.more[i], node);
        texts.push(L.marker(spot, {interactive: false, keyboard: false, icon: L.divIcon({className: "lc-label", iconSize: [0, 0], html: node})}));
      });
      this.texts = L.layerGroup(texts).addTo(map);
    },
    tip: function (i) {
      var box = el("div"), name = first(this.spec.title, i);
      if (name !== null) el("b", "", name, box);
      el("i", "", this.spec.name, box);
      pairs(this.spec.tip, i, box);
      return box;
    },
    popup: function (i) {
      var box = el("div", "lc-pop"), name = first(this.spec.title, i), pop = this.spec.pop;
      if (name !== null) el("b", "lc-t", name, box);
      el("i", "lc-g", this.spec.name, box);
      pairs(pop.fields, i, box);
      if (pop.rules) evidence(pop.rules, i, box);
      if (pop.measures && pop.measures.length) { el("h3", "", LC.words.measures, box); pairs(pop.measures, i, box); }
      if (pop.list) listed(pop.list, i, box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    }
  });

  LC.layer = function (key, spec) {
    var layer = new LC.Features(spec);
    LC.layers[key] = layer;
    LC.order.push(layer);
    return layer;
  };

  /* ---- the page ---- */
  LC.open = function (map, page) {
    LC.map = map;
    LC.words = page.words;
    LC.renderer = L.canvas({padding: 0.3, tolerance: 4});
    var width = map.getSize().x;
    LC.narrow = width < 1200;
    map.fitBounds(page.bounds, {animate: false, paddingTopLeft: [width < 800 ? 16 : 284, 16],
      paddingBottomRight: [LC.narrow ? 16 : 222, LC.narrow ? 16 : 24]});
    card(map, page);
    L.control.zoom({position: "topleft", zoomInTitle: page.words.zoom_in, zoomOutTitle: page.words.zoom_out}).addTo(map);
    L.control.scale({imperial: false, position: "bottomright", maxWidth: 140}).addTo(map);
    map.on("layeradd layerremove", function (e) {
      if (!(e.layer instanceof LC.Features)) return;
      if (e.type === "layeradd") raise(e.layer);
      later();
    });
  };

  /* diagonal lines to fill an area with, what lies below showing through */
  var hatches = {};
  function hatch(colour) {
    if (hatches[colour]) return hatches[colour];
    var side = 9, tile = document.createElement("canvas"), pen = tile.getContext("2d");
    tile.width = tile.height = side;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.3;
    pen.beginPath();
    [-side, 0, side].forEach(function (k) { pen.moveTo(k - 1, side + 1); pen.lineTo(k + side + 1, -1); });
    pen.stroke();
    return (hatches[colour] = pen.createPattern(tile, "repeat"));
  }

  /* one canvas draws in the order of adding: what belongs above goes back on top */
  function raise(added) {
    var above = LC.order.slice(LC.order.indexOf(added) + 1);
    above.forEach(function (layer) { if (LC.map.hasLayer(layer)) layer.bringToFront(); });
    if (added.spec.one) LC.order.forEach(function (other) {
      if (other !== added && other.spec.one === added.spec.one && LC.map.hasLayer(other)) setTimeout(function () { other.remove(); }, 0);
    });
  }

  function card(map, page) {
    var control = L.control({position: "topleft"});
    control.onAdd = function () {
      var box = el("div", "lc-card lc-title");
      el("h1", "", page.title, box);
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
      el("div", "lc-find", null, box).id = "lc-find";
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    };
    control.addTo(map);
  }

  /* ---- legend: the classes of the layers that are on ---- */
  var waiting = null;
  function later() { if (waiting === null) waiting = setTimeout(function () { waiting = null; legend(); }, 0); }
  function svg(kind, c) {
    var NS = "http://www.w3.org/2000/svg", pic = document.createElementNS(NS, "svg"), shape;
    pic.setAttribute("width", 20); pic.setAttribute("height", 14);
    if (kind === "line") {
      shape = document.createElementNS(NS, "line");
      shape.setAttribute("x1", 1); shape.setAttribute("x2", 19); shape.setAttribute("y1", 7); shape.setAttribute("y2", 7);
      shape.setAttribute("stroke", c.lc || c.c); shape.setAttribute("stroke-width", Math.min(5, c.w || 2));
      if (c.d) shape.setAttribute("stroke-dasharray", c.d);
    } else if (kind === "point") {
      shape = document.createElementNS(NS, "circle");
      shape.setAttribute("cx", 10); shape.setAttribute("cy", 7); shape.setAttribute("r", Math.min(6, (c.r || 4) + 0.5));
      shape.setAttribute("fill", c.c); shape.setAttribute("stroke", c.s || "#fff"); shape.setAttribute("stroke-width", c.w === undefined ? 1 : c.w);
    } else {
      shape = document.createElementNS(NS, "rect");
      shape.setAttribute("x", 1.5); shape.setAttribute("y", 1.5); shape.setAttribute("width", 17); shape.setAttribute("height", 11); shape.setAttribute("rx", 1.5);
      shape.setAttribute("fill", c.c || "none"); shape.setAttribute("fill-opacity", c.o === undefined ? 0.85 : c.o);
      shape.setAttribute("stroke", c.s && c.s.toLowerCase() !== "#fff" ? c.s : "#9aa4ab"); shape.setAttribute("stroke-width", 1);
      if (c.d) shape.setAttribute("stroke-dasharray", c.d);
      if (c.h) {
        shape.setAttribute("fill", "none");
        var lines = document.createElementNS(NS, "path");
        lines.setAttribute("d", "M2 7.5L7.5 2M2 12.5L12.5 2M7.5 12.5L17.5 2.5M12.5 12.5L18 7");
        lines.setAttribute("stroke", c.h);
        pic.appendChild(lines);
      }
    }
    pic.appendChild(shape);
    return pic;
  }
  /* which of a layer's values is drawn, chosen from a list */
  function picker(layer, body) {
    var pick = layer.spec.pick, label = el("label", "lc-pick", null, body), select;
    el("span", "", pick.l, label);
    select = el("select", "", null, label);
    pick.values.forEach(function (text, value) { el("option", "", text, select).value = value; });
    select.value = pick.at;
    L.DomEvent.on(select, "change", function () { layer.choose(Number(select.value)); });
    L.DomEvent.on(select, "keydown", L.DomEvent.stopPropagation);
  }
  function legend() {
    var body = LC.legendBody, picks = false;
    if (!body) return;
    body.textContent = "";
    LC.order.slice().reverse().sort(function (a, b) { return (a.spec.rank || 0) - (b.spec.rank || 0); }).forEach(function (layer) {
      if (!LC.map.hasLayer(layer)) return;
      var spec = layer.spec, single = spec.classes.length === 1 && !spec.classes[0].l, box;
      if (!single || spec.pick) el("h2", "", spec.name, body);
      if (spec.pick) { picks = true; picker(layer, body); }
      box = el("div", spec.classes.length > 8 ? "lc-two" : "", null, body);
      spec.classes.forEach(function (c) {
        var row = el("div", "lc-row", null, box);
        row.appendChild(svg(spec.kind, c));
        el("span", "", single ? spec.name : c.l, row);
      });
    });
    if (!body.childNodes.length) el("div", "lc-none", LC.words.none, body);
    body.parentNode.classList.toggle("lc-picks", picks);
  }
  function folding(box, title, folded) {
    var head = el("button", "lc-head", title);
    head.type = "button";
    box.insertBefore(head, box.firstChild);
    if (folded) box.classList.add("lc-folded");
    head.setAttribute("aria-expanded", String(!folded));
    L.DomEvent.on(head, "click", function (e) {
      L.DomEvent.stop(e);
      head.setAttribute("aria-expanded", String(!box.classList.toggle("lc-folded")));
    });
  }
  function legendControl(map) {
    var control = L.control({position: "bottomleft"});
    control.onAdd = function () {
      var box = el("div", "lc-card lc-legend");
      LC.legendBody = el("div", "lc-body", null, box);
      folding(box, LC.words.legend, false);
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    };
    control.addTo(map);
    function fit() {
      var free = map.getSize().y - map.getContainer().querySelector(".leaflet-top.leaflet-left").offsetHeight - 98;
      LC.legendBody.style.maxHeight = Math.max(90, free) + "px";
      if (free < 90) LC.legendBody.parentNode.classList.add("lc-folded");
    }
    map.on("resize", fit);
    fit();
  }

  /* ---- groups of the layer control fold; what is on stays open ---- */
  var shut = {}, lit = {};
  function fold(list) {
    list.querySelectorAll(".leaflet-control-layers-group").forEach(function (group) {
      var name = group.querySelector(".leaflet-control-layers-group-name").textContent, on = group.querySelectorAll("input:checked").length;
      if (!(name in shut)) shut[name] = !on;
      else if (on > lit[name]) shut[name] = false;
      lit[name] = on;
      group.classList.toggle("lc-shut", shut[name]);
    });
  }
  if (L.Control.GroupedLayers) {
    var update = L.Control.GroupedLayers.prototype._update;
    L.Control.GroupedLayers.include({
      _update: function () { update.call(this); if (this._overlaysList) fold(this._overlaysList); }
    });
  }
  function panel(map) {
    var box = map.getContainer().querySelector(".leaflet-control-layers");
    if (!box) return;
    folding(box, LC.words.layers, LC.narrow);
    fold(box);
    L.DomEvent.on(box, "click", function (e) {
      var label = e.target.closest && e.target.closest(".leaflet-control-layers-group-label");
      if (!label) return;
      e.preventDefault();
      var group = label.parentNode;
      shut[label.textContent] = group.classList.toggle("lc-shut");
    });
  }

  /* ---- search ---- */
  LC.show = function (key, i) {
    var layer = LC.layers[key], map = LC.map;
    if (!map.hasLayer(layer)) layer.addTo(map);
    if (!layer.picked(i)) { layer.choose(layer.spec.pick.of[i]); later(); }
    var shape = layer.byNumber[i];
    var spot = shape.getBounds ? shape.getBounds() : L.latLngBounds([shape.getLatLng(), shape.getLatLng()]);
    map.fitBounds(spot, {maxZoom: 17, animate: false, padding: [120, 120]});
    layer._popup._source = shape;
    layer.openPopup(spot.getCenter());
    layer.mark(shape, true);
    layer._popup.once("remove", function () { layer.mark(shape, false); });
  };
  function search(map, index) {
    if (!index.length || !L.Control.Search) return;
    var records = {}, folded = [];
    index.forEach(function (entry) {
      entry.names.forEach(function (name, i) {
        if (name === null) return;
        records[name] = {key: entry.key, i: entry.at ? entry.at[i] : i, kind: entry.kind};
        folded.push([name.toLowerCase(), name]);
      });
    });
    var control = new L.Control.Search({
      container: "lc-find", collapsed: false, autoResize: false, autoType: false, delayType: 120, minLength: 1, marker: false, autoCollapseTime: 2500,
      textPlaceholder: LC.words.find, textErr: LC.words.not_found, textCancel: LC.words.clear,
      sourceData: function (text, done) { done(text); return {abort: function () {}}; },
      formatData: function (text) {
        var wanted = this._input.value.trim().toLowerCase(), found = {}, count = 0;
        [0, 1].forEach(function (pass) {
          for (var k = 0; wanted && k < folded.length && count < 40; k++) {
            var at = folded[k][0].indexOf(wanted);
            if (pass === 0 ? at === 0 : at > 0) { found[folded[k][1]] = records[folded[k][1]]; count++; }
          }
        });
        return found;
      },
      filterData: function (text, found) { return found; },
      buildTip: function (name, record) {
        var tip = el("li", "", name);
        el("small", "", record.kind, tip);
        return tip;
      },
      moveToLocation: function (record) { LC.show(record.key, record.i); }
    });
    control.addTo(map);
    map.off("dragstart click", control.collapse, control);
    /* Enter takes the chosen result, or the first; the plugin's own way fails where results are still on their way */
    L.DomEvent.on(control._input, "keydown", function (e) {
      if (e.key !== "Enter") return;
      L.DomEvent.stop(e);
      clearTimeout(control.timerKeypress);
      var chosen = control._tooltip.querySelector(".search-tip-select");
      if (!chosen) { control._fillRecordsCache(); chosen = control._tooltip.firstChild; }
      if (chosen && control._input.value) control._input.value = chosen._text;
      control._handleSubmit();
    });
    var keypress = control._handleKeypress;
    L.DomEvent.off(control._input, "keyup", keypress, control);
    L.DomEvent.on(control._input, "keyup", function (e) {
      if (e.key === "Enter" || (/^Arrow(Up|Down)$/.test(e.key) && !control._tooltip.firstChild)) return;
      keypress.call(control, {keyCode: e.keyCode});
    });
    LC.search = control;
  }

  LC.ready = function (map, page) {
    legendControl(map);
    panel(map);
    search(map, page.index);
    legend();
    LC.isReady = true;
  };
})();
