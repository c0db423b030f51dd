/* Packed layers on a Leaflet map: read from an archive, drawn on one canvas, answered through a grid of cells.
   Text of the data only ever enters the page as textContent. */
(function () {
  "use strict";
  if (window.lifecircle) return;
  var LC = window.lifecircle = {views: [], layers: {}, order: [], words: {}, archives: {}};
  var HALF = 200375083.4;  /* half the width of the map's square, in tenths of a metre */
  var TINY = 1.5, THIN = 5, BATCH = 1000;

  LC.el = function (tag, cls, text, parent) {
    var node = document.createElement(tag);
    if (cls) node.className = cls;
    if (text !== undefined && text !== null) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  };
  var el = LC.el;

  /* ---- the archive ---- */
  function bytesOf(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    var raw = atob(text), out = new Uint8Array(raw.length);
    for (var k = 0; k < raw.length; k++) out[k] = raw.charCodeAt(k);
    return out;
  }
  /* reads so many varints; those beyond 32 bits only where `wide` */
  function Reader(bytes) { this.bytes = bytes; this.at = 0; }
  Reader.prototype.take = function (count, out) {
    var b = this.bytes, at = this.at;
    for (var k = 0; k < count; k++) {
      var byte = b[at++], value = byte & 127;
      if (byte > 127) {
        byte = b[at++]; value |= (byte & 127) << 7;
        if (byte > 127) {
          byte = b[at++]; value |= (byte & 127) << 14;
          if (byte > 127) {
            byte = b[at++]; value |= (byte & 127) << 21;
            for (var scale = 268435456; byte > 127; scale *= 128) { byte = b[at++]; value += (byte & 127) * scale; }
          }
        }
      }
      out[k] = value;
    }
    this.at = at;
    return out;
  };
  function geometryOf(form, count, bytes) {
    var head = form.slice(2).split(",").map(Number), reader = new Reader(bytes), step = head[0];
    var levels = head.slice(1).map(function (n) { return n ? reader.take(n, new Uint32Array(n)) : null; });
    var kind = form[1], k, r, p, f, total = 0;
    function starts(counts) {
      var out = new Uint32Array(counts.length + 1);
      for (var i = 0; i < counts.length; i++) out[i + 1] = out[i] + counts[i];
      return out;
    }
    var ring = levels[0] ? starts(levels[0]) : null, part = levels[1] ? starts(levels[1]) : null, many = levels[2] ? starts(levels[2]) : null;
    total = ring ? ring[ring.length - 1] : count;
    var x = new Int32Array(total), y = new Int32Array(total), pair = reader.take(2 * total, new Float64Array(2 * total)), ax = 0, ay = 0;
    for (k = 0; k < total; k++) {
      var dx = pair[2 * k], dy = pair[2 * k + 1];
      ax += dx % 2 ? -(dx + 1) / 2 : dx / 2;
      ay += dy % 2 ? -(dy + 1) / 2 : dy / 2;
      x[k] = ax * step; y[k] = ay * step;
    }
    /* rings of a feature: from first[i] to first[i + 1] */
    var first = new Uint32Array(count + 1);
    for (f = 0; f <= count; f++) { p = many ? many[f] : f; first[f] = part ? part[p] : p; }
    var box = new Int32Array(4 * count);
    for (f = 0; f < count; f++) {
      var a = ring ? ring[first[f]] : f, b = ring ? ring[first[f + 1]] : f + 1, w = 2147483647, s = w, e = -w, n = -w;
      for (k = a; k < b; k++) { if (x[k] < w) w = x[k]; if (x[k] > e) e = x[k]; if (y[k] < s) s = y[k]; if (y[k] > n) n = y[k]; }
      box[4 * f] = w; box[4 * f + 1] = s; box[4 * f + 2] = e; box[4 * f + 3] = n;
    }
    return {kind: kind, n: count, x: x, y: y, ring: ring, first: first, box: box};
  }
  var DECODER = new TextDecoder();
  function textsOf(count, bytes) {
    var reader = new Reader(bytes), lengths = reader.take(count, new Uint32Array(count)), at = new Float64Array(count + 1);
    at[0] = reader.at;
    for (var k = 0; k < count; k++) at[k + 1] = at[k] + Math.max(0, lengths[k] - 1);
    return {length: count, get: function (i) { return lengths[i] ? DECODER.decode(bytes.subarray(at[i], at[i + 1])) : null; }};
  }
  function columnOf(form, count, bytes) {
    if (form === "b") return bytes;
    if (form[0] === "g") return geometryOf(form, count, bytes);
    if (form === "t") return textsOf(count, bytes);
    if (form === "u") return new Reader(bytes).take(count, new Uint32Array(count));
    if (form === "c") {
      var places = new Reader(bytes).take(count, new Uint32Array(count));
      return {length: count, get: function (i) { return places[i] ? places[i] - 1 : null; }};
    }
    var values = new Reader(bytes).take(count, new Float64Array(count)), unit = Math.pow(10, Number(form.slice(1)));
    return {length: count, get: function (i) {
      var v = values[i] - 1;
      return v < 0 ? null : (v % 2 ? -(v + 1) / 2 : v / 2) / unit;
    }};
  }
  /* a piece of the archive, read when it is first needed */
  function Archive() { this.ready = false; this.waiting = []; this.made = []; }
  Archive.prototype.piece = function (ref) {
    var number = ref["@"];
    if (!(number in this.made)) {
      var p = this.pieces[number];
      this.made[number] = columnOf(p[0], p[1], this.bytes.subarray(this.at[number], this.at[number + 1]));
    }
    return this.made[number];
  };
  Archive.prototype.open = function (buffer) {
    var size = new DataView(buffer).getUint32(0, true), at = 4 + size, self = this;
    var told = JSON.parse(DECODER.decode(new Uint8Array(buffer, 4, size)));
    this.bytes = new Uint8Array(buffer);
    this.pieces = told.pieces;
    this.content = told.content;
    if (told.content.words) LC.words = told.content.words;
    this.at = [at];
    told.pieces.forEach(function (p) { at += p[2]; self.at.push(at); });
    this.ready = true;
    this.waiting.splice(0).forEach(function (call) { call(self); });
  };
  Archive.prototype.then = function (call) { if (this.ready) call(this); else this.waiting.push(call); };
  LC.archive = function (id) {
    if (LC.archives[id]) return LC.archives[id];
    var node = document.getElementById(id), archive = LC.archives[id] = new Archive();
    if (typeof DecompressionStream === "undefined") {
      el("p", "", "This map needs a browser of 2023 or later. 此地图需要 2023 年以后的浏览器。", document.body);
      return archive;
    }
    var stream = new Blob([bytesOf(node.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
    node.remove();
    new Response(stream).arrayBuffer().then(function (buffer) { archive.open(buffer); });
    return archive;
  };

  /* ---- values as they are shown ---- */
  function number(value, digits) {
    return value.toLocaleString("en-US", {maximumFractionDigits: digits === undefined ? 2 : digits});
  }
  LC.number = number;

  /* ---- one layer ---- */
  LC.Features = L.Layer.extend({
    initialize: function (archive, key) {
      this.archive = archive;
      this.key = key;
      this.spec = null;
      var self = this;
      archive.then(function () { self.load(); });
    },
    load: function () {
      var spec = this.spec = this.archive.content.layers[this.key][LC.language || 0] || this.archive.content.layers[this.key][0];
      if (this.at === undefined) this.at = spec.pick ? spec.pick.at : 0;
    },
    get: function () {
      if (!this.geo && this.spec) {
        this.geo = this.archive.piece(this.spec.geo);
        this.cls = this.spec.cls ? this.archive.piece(this.spec.cls) : null;
        this.of = this.spec.pick ? this.archive.piece(this.spec.pick.of) : null;
        this.nest = this.spec.nest ? this.archive.piece(this.spec.nest) : null;
        this.members = members(this.cls, this.geo.n, this.spec.classes.length);
      }
      return this.geo;
    },
    onAdd: function (map) { viewOf(map).add(this); },
    onRemove: function (map) { viewOf(map).drop(this); },
    value: function (field, i) {
      var v = this.archive.piece(field.v).get(i);
      if (v !== null && field.w) v = field.w[v];
      return v;
    },
    shown: function (field, i) {
      var v = this.value(field, i);
      if (v === null || v === undefined || v === "") return null;
      if (field.t === "share") return number(100 * v, 1) + " %";
      if (field.t === "year") return String(v);
      if (field.t === "number") return number(v) + (field.u ? " " + field.u : "");
      if (field.t === "bool") return v ? LC.words.yes : LC.words.no;
      return String(v);
    },
    name: function (i) {
      var fields = this.spec.title;
      for (var k = 0; k < fields.length; k++) { var v = this.shown(fields[k], i); if (v !== null) return v; }
      return null;
    },
    picked: function (i) { return !this.of || this.of[i] === this.at; },
    choose: function (value) {
      this.at = value;
      LC.views.forEach(function (view) { view.clear(); view.paint(); });
    },
    colour: function (i) { return this.spec.classes[this.cls ? this.cls[i] : 0]; },
    box: function (i) {
      var b = this.get().box;
      return L.latLngBounds(LC.place(b[4 * i], b[4 * i + 1]), LC.place(b[4 * i + 2], b[4 * i + 3]));
    },
    /* how far up a feature lies within its layer */
    height: function (i) { var c = this.cls ? this.cls[i] : 0; return this.spec.front ? -c : c; },
    tip: function (i) {
      var box = el("div"), name = this.name(i), self = this;
      if (name !== null) el("b", "", short(name), box);
      if (this.spec.name) el("i", "", this.spec.name, box);
      pairs(this, self.spec.tip, i, box);
      return box;
    },
    popup: function (i) {
      var box = el("div", "lc-pop"), name = this.name(i), pop = this.spec.pop;
      if (name !== null) el("b", "lc-t", name, box);
      if (this.spec.name) el("i", "lc-g", this.spec.name, box);
      pairs(this, pop ? pop.fields : this.spec.tip, i, box);
      if (pop && pop.rules) evidence(this, pop.rules, i, box);
      if (pop && pop.measures && pop.measures.length) { el("h3", "", LC.words.measures, box); pairs(this, pop.measures, i, box); }
      if (pop && pop.list) listed(pop.list, i, box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    }
  });
  LC.layer = function (archive, key) {
    var layer = new LC.Features(LC.archive(archive), key);
    LC.layers[key] = layer;
    LC.order.push(layer);
    return layer;
  };
  LC.place = function (x, y) { return L.Projection.SphericalMercator.unproject(L.point(x / 10, y / 10)); };
  function short(text) { return text.length > 80 ? text.slice(0, 79) + "…" : text; }
  LC.short = short;
  /* the features of each class, in the order of rows */
  function members(cls, n, classes) {
    var out = [], counts = new Uint32Array(classes), k;
    for (k = 0; k < n; k++) counts[cls ? cls[k] : 0]++;
    for (k = 0; k < classes; k++) out.push(new Uint32Array(counts[k]));
    counts.fill(0);
    for (k = 0; k < n; k++) { var c = cls ? cls[k] : 0; out[c][counts[c]++] = k; }
    return out;
  }

  /* ---- tooltips and popups ---- */
  function pairs(layer, fields, i, box) {
    var table = null;
    fields.forEach(function (field) {
      var v = layer.shown(field, i);
      if (v === null && !field.keep) return;
      table = table || el("table", "lc-kv", null, box);
      var row = el("tr", "", null, table);
      el("td", "", field.l, row);
      el("td", "", v === null ? LC.words.unknown || "–" : v, row);
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
      cells.forEach(function (c, k) { el("td", list.num[k] ? "lc-num" : "", typeof c === "number" ? number(c) : c, row); });
    });
  }
  function evidence(layer, rules, i, box) {
    var table = null;
    rules.forEach(function (rule) {
      var place = layer.archive.piece(rule.a.v).get(i), answer = place === null ? null : rule.a.w[place];
      if (answer === undefined || answer === null || answer === "not applicable") return;
      if (!table) {
        el("h3", "", LC.words.evidence, box);
        table = el("table", "lc-list", null, box);
        var head = el("tr", "", null, table);
        LC.words.evidence_heads.forEach(function (h) { el("th", "", h, head); });
      }
      var row = el("tr", /yes|fail/.test(answer) ? "lc-yes" : answer === "not known" ? "lc-unknown" : "", null, table);
      el("td", "", rule.l, row);
      el("td", "", rule.v ? layer.shown(rule.v, i) || "–" : "–", row);
      el("td", "", rule.h, row).title = rule.s || "";
      el("td", "", LC.words.answers[answer] || answer, row);
    });
  }

  /* ---- drawing ---- */
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
  function dashes(c) { return c.d ? c.d.split(" ").map(Number) : []; }
  function rgb(colour) {
    var n = parseInt(colour.slice(1), 16);
    return [n >> 16 & 255, n >> 8 & 255, n & 255];
  }
  /* Vertices are put on a grid of half pixels that does not move with the map, and those that meet are left out: what two
     areas share they go on sharing, at every zoom. */
  function trace(path, geo, from, to, t, closed, back) {
    var x = geo.x, y = geo.y, k = t.k, ox = t.ox, oy = t.oy, lastX = NaN, lastY = NaN, begun = false, drawn = 0;
    var at = back ? to - 1 : from, step = back ? -1 : 1;
    for (var left = to - from; left > 0; left--, at += step) {
      var px = Math.round((x[at] * k + ox) * 2) / 2, py = Math.round((oy - y[at] * k) * 2) / 2;
      if (px === lastX && py === lastY) continue;
      lastX = px; lastY = py; drawn++;
      if (begun) path.lineTo(px, py); else { path.moveTo(px, py); begun = true; }
    }
    if (begun && closed) path.closePath();
    else if (drawn === 1) path.lineTo(lastX + 0.5, lastY);
    return drawn;
  }
  function outline(path, geo, i, t, back) {
    var drawn = 0, closed = geo.kind === "a";
    for (var r = geo.first[i]; r < geo.first[i + 1]; r++) drawn += trace(path, geo, geo.ring[r], geo.ring[r + 1], t, closed, back);
    return drawn;
  }
  function shape(path, layer, i, t) {
    var drawn = outline(path, layer.geo, i, t, false);
    /* of nested bands only the ring outside the next smaller one is filled */
    if (layer.nest && layer.nest[i]) drawn += outline(path, layer.geo, layer.nest[i] - 1, t, true);
    return drawn;
  }
  function fill(pen, path, c) {
    if (c.h) { pen.globalAlpha = 1; pen.fillStyle = hatch(c.h); pen.fill(path, "nonzero"); }
    else if (c.c) { pen.globalAlpha = c.o === undefined ? 0.85 : c.o; pen.fillStyle = c.c; pen.fill(path, "nonzero"); }
  }
  function rule(pen, path, c, colour, opacity, width) {
    if (!width) return;
    pen.globalAlpha = opacity === undefined ? 1 : opacity;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dashes(c));
    pen.stroke(path);
    pen.setLineDash([]);
  }
  function areas(pen, layer, list, c, t, dots) {
    var geo = layer.geo, box = geo.box, k = t.k, whole = new Path2D(), edged = new Path2D(), size = 0, edges = 0;
    var width = c.w === undefined ? 1 : c.w;
    function flush() {
      if (!size) return;
      fill(pen, whole, c);
      if (edges) rule(pen, edged, c, c.s || "#fff", c.so, width);
      whole = new Path2D(); edged = new Path2D(); size = edges = 0;
    }
    for (var m = 0; m < list.length; m++) {
      var i = list[m], b = 4 * i, west = box[b] * k + t.ox, east = box[b + 2] * k + t.ox, north = t.oy - box[b + 3] * k, south = t.oy - box[b + 1] * k;
      if (east < -4 || west > t.w + 4 || south < -4 || north > t.h + 4 || !layer.picked(i)) continue;
      var span = Math.max(east - west, south - north);
      if (span < TINY && c.c) { dots.add(west, north, c, i); continue; }
      var drawn = shape(whole, layer, i, t);
      size += drawn;
      if (span >= THIN && width) { if (!c.c && !c.h) edged = whole; else shape(edged, layer, i, t); edges += drawn; }
      if (size > BATCH) flush();
    }
    flush();
  }
  function lines(pen, layer, list, c, t) {
    var geo = layer.geo, box = geo.box, k = t.k, path = new Path2D(), size = 0, width = (c.w || 2) * (t.small || 1);
    pen.lineJoin = "round"; pen.lineCap = c.d ? "butt" : "round";
    for (var m = 0; m < list.length; m++) {
      var i = list[m], b = 4 * i;
      if (box[b + 2] * k + t.ox < -9 || box[b] * k + t.ox > t.w + 9 || t.oy - box[b + 1] * k < -9 || t.oy - box[b + 3] * k > t.h + 9 || !layer.picked(i)) continue;
      size += outline(path, geo, i, t, false);
      if (size > BATCH) { rule(pen, path, c, c.c, c.o, width); path = new Path2D(); size = 0; }
    }
    if (size) rule(pen, path, c, c.c, c.o, width);
    pen.lineCap = "butt";
  }
  function points(pen, layer, list, c, t, dots) {
    var geo = layer.geo, k = t.k, r = (c.r || 4) * (t.small || 1), w = c.w === undefined ? 1 : c.w * (t.small || 1), seen = [], m;
    for (m = 0; m < list.length; m++) {
      var i = list[m], x = geo.x[i] * k + t.ox, y = t.oy - geo.y[i] * k;
      if (x < -r || x > t.w + r || y < -r || y > t.h + r || !layer.picked(i)) continue;
      seen.push(x, y);
    }
    if (!seen.length) return;
    if (seen.length > 60000) { for (m = 0; m < seen.length; m += 2) dots.add(seen[m], seen[m + 1], c, m); return; }
    var side = Math.ceil(r + w) * 2 + 2, stamp = document.createElement("canvas"), ink = stamp.getContext("2d");
    stamp.width = stamp.height = side * t.dpr;
    ink.scale(t.dpr, t.dpr);
    ink.beginPath(); ink.arc(side / 2, side / 2, r, 0, 7);
    ink.globalAlpha = c.o === undefined ? 0.85 : c.o; ink.fillStyle = c.c; ink.fill();
    ink.globalAlpha = 1; ink.strokeStyle = c.s || "#fff"; ink.lineWidth = w; if (w) ink.stroke();
    pen.globalAlpha = 1;
    for (m = 0; m < seen.length; m += 2) pen.drawImage(stamp, seen[m] - side / 2, seen[m + 1] - side / 2, side, side);
  }
  /* areas smaller than a pixel, and points by the ten thousand, are put into a picture pixel by pixel; of several the last row
     shows, whatever its class, so that what is seen from afar is a fair sample, or where `front` is set the class on top */
  function Dots(t, front) { this.t = t; this.front = front; this.any = false; }
  Dots.prototype.add = function (x, y, c, i) {
    var t = this.t, w = Math.ceil(t.w * t.dpr), h = Math.ceil(t.h * t.dpr);
    if (!this.any) { this.any = true; this.image = new ImageData(w, h); this.grid = new Uint32Array(this.image.data.buffer); this.rows = new Int32Array(w * h).fill(-1); this.last = null; }
    if (c !== this.last) {
      var channels = rgb(c.c), opacity = Math.round(255 * (c.o === undefined ? 0.85 : c.o));
      this.last = c;
      this.ink = (opacity << 24 | channels[2] << 16 | channels[1] << 8 | channels[0]) >>> 0;
    }
    var px = Math.round(x * t.dpr), py = Math.round(y * t.dpr);
    if (px < 0 || py < 0 || px >= w || py >= h) return;
    var at = py * w + px;
    if (this.front || i > this.rows[at]) { this.grid[at] = this.ink; this.rows[at] = i; }
  };
  Dots.prototype.put = function (pen) {
    if (!this.any) return;
    var sheet = document.createElement("canvas");
    sheet.width = this.image.width; sheet.height = this.image.height;
    sheet.getContext("2d").putImageData(this.image, 0, 0);
    pen.globalAlpha = 1;
    pen.drawImage(sheet, 0, 0, sheet.width / this.t.dpr, sheet.height / this.t.dpr);
  };
  /* draws layers with a pen; t.k pixels a tenth of a metre, the origin at t.ox, t.oy, a picture of t.w by t.h */
  LC.draw = function (pen, layers, t) {
    pen.lineJoin = "round";
    layers.forEach(function (layer) {
      if (!layer.get()) return;
      var classes = layer.spec.classes, order = classes.map(function (_, k) { return k; }), dots = new Dots(t, layer.spec.front);
      if (layer.spec.front) order.reverse();
      order.forEach(function (k) {
        var list = layer.members[k], c = classes[k];
        if (layer.geo.kind === "a") areas(pen, layer, list, c, t, dots);
        else if (layer.geo.kind === "l") lines(pen, layer, list, c, t);
        else points(pen, layer, list, c, t, dots);
      });
      dots.put(pen);
    });
    pen.globalAlpha = 1;
  };

  /* ---- which feature lies at a point: a grid of cells, each with the features whose boxes touch it ---- */
  function Grid(geo) {
    var n = geo.n, box = geo.box, k, w = Infinity, s = Infinity, e = -Infinity, t = -Infinity;
    for (k = 0; k < 4 * n; k += 4) {
      if (box[k] < w) w = box[k]; if (box[k + 1] < s) s = box[k + 1]; if (box[k + 2] > e) e = box[k + 2]; if (box[k + 3] > t) t = box[k + 3];
    }
    var side = this.side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(n / 2))));
    this.w = w; this.s = s; this.dx = (e - w) / side || 1; this.dy = (t - s) / side || 1;
    var self = this, counts = new Uint32Array(side * side + 1);
    this.big = [];
    function each(call) {
      for (var i = 0; i < n; i++) {
        var x0 = self.column(box[4 * i]), x1 = self.column(box[4 * i + 2]), y0 = self.row(box[4 * i + 1]), y1 = self.row(box[4 * i + 3]);
        if ((x1 - x0 + 1) * (y1 - y0 + 1) > 64) { call(-1, i); continue; }
        for (var y = y0; y <= y1; y++) for (var x = x0; x <= x1; x++) call(y * side + x, i);
      }
    }
    each(function (cell) { if (cell >= 0) counts[cell + 1]++; });
    for (k = 0; k < side * side; k++) counts[k + 1] += counts[k];
    this.start = counts;
    this.held = new Uint32Array(counts[side * side]);
    var at = counts.slice(), held = this.held, big = this.big;
    each(function (cell, i) { if (cell < 0) big.push(i); else held[at[cell]++] = i; });
  }
  Grid.prototype.column = function (x) { return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.w) / this.dx))); };
  Grid.prototype.row = function (y) { return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.s) / this.dy))); };
  Grid.prototype.around = function (x, y, reach, call) {
    var x0 = this.column(x - reach), x1 = this.column(x + reach), y1 = this.row(y + reach);
    for (var row = this.row(y - reach); row <= y1; row++) for (var col = x0; col <= x1; col++) {
      var cell = row * this.side + col;
      for (var k = this.start[cell]; k < this.start[cell + 1]; k++) call(this.held[k]);
    }
    this.big.forEach(call);
  };
  function within(geo, i, x, y) {
    var turns = 0;
    for (var r = geo.first[i]; r < geo.first[i + 1]; r++) {
      var a = geo.ring[r], b = geo.ring[r + 1], px = geo.x[b - 1], py = geo.y[b - 1];
      for (var k = a; k < b; k++) {
        var qx = geo.x[k], qy = geo.y[k];
        if ((py > y) !== (qy > y) && x < (qx - px) * (y - py) / (qy - py) + px) turns += qy > py ? 1 : -1;
        px = qx; py = qy;
      }
    }
    return turns !== 0;
  }
  function distance(geo, i, x, y) {
    var best = Infinity;
    for (var r = geo.first[i]; r < geo.first[i + 1]; r++) for (var k = geo.ring[r]; k < geo.ring[r + 1]; k++) {
      var j = k === geo.ring[r] ? k : k - 1, px = geo.x[j], py = geo.y[j], dx = geo.x[k] - px, dy = geo.y[k] - py;
      var s = dx || dy ? Math.max(0, Math.min(1, ((x - px) * dx + (y - py) * dy) / (dx * dx + dy * dy))) : 0;
      best = Math.min(best, Math.hypot(px + s * dx - x, py + s * dy - y));
    }
    return best;
  }
  /* the feature of a layer at a point of the map, the topmost of several, or -1; `per` tenths of a metre a pixel */
  LC.at = function (layer, x, y, per) {
    var geo = layer.get(), best = -1, near = Infinity;
    if (!geo || !geo.n || layer.spec.still) return -1;
    layer.grid = layer.grid || new Grid(geo);
    var reach = geo.kind === "a" ? 0 : 16 * per, box = geo.box;
    layer.grid.around(x, y, reach, function (i) {
      var b = 4 * i;
      if (x < box[b] - reach || x > box[b + 2] + reach || y < box[b + 1] - reach || y > box[b + 3] + reach || !layer.picked(i)) return;
      var away = 0;
      if (geo.kind === "a") {
        if (!within(geo, i, x, y) || (layer.nest && layer.nest[i] && within(geo, layer.nest[i] - 1, x, y))) return;
      } else if (geo.kind === "l") {
        away = distance(geo, i, x, y) / per;
        if (away > (layer.colour(i).w || 2) / 2 + 4) return;
      } else {
        away = Math.hypot(geo.x[i] - x, geo.y[i] - y) / per;
        if (away > (layer.colour(i).r || 4) + 3) return;
      }
      var up = best < 0 ? 1 : geo.kind === "a" ? 0 : near - away;  /* of lines and points the nearest */
      if (up === 0) up = layer.height(i) - layer.height(best) || i - best;
      if (up > 0) { best = i; near = away; }
    });
    return best;
  };

  /* ---- one canvas a map, below it another for what is marked ---- */
  LC.View = L.Renderer.extend({
    initialize: function (side) {
      L.Renderer.prototype.initialize.call(this, {padding: 0.2});
      this._layers = {};
      this.side = side || 0;
      this.shown = [];
      this.hovered = this.chosen = null;
    },
    _initContainer: function () {
      this._container = el("div", "lc-canvas");
      this.base = el("canvas", "", null, this._container);
      this.top = el("canvas", "", null, this._container);
    },
    _destroyContainer: function () { this._container.remove(); this._container = null; },
    _updatePaths: function () {},
    onAdd: function (map) {
      L.Renderer.prototype.onAdd.call(this, map);
      map.on("mousemove", this._move, this).on("click", this._click, this).on("mouseout zoomstart dragstart", this._leave, this);
      map.on("popupclose", this._closed, this);
    },
    _update: function () {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      var size = this._bounds.getSize();
      L.DomUtil.setPosition(this._container, this._bounds.min);
      this.dpr = LC.fine || (window.devicePixelRatio > 1 ? Math.min(3, window.devicePixelRatio) : 1);
      [this.base, this.top].forEach(function (canvas) {
        canvas.width = Math.ceil(size.x * this.dpr); canvas.height = Math.ceil(size.y * this.dpr);
        canvas.style.width = canvas.width / this.dpr + "px"; canvas.style.height = canvas.height / this.dpr + "px";
      }, this);
      this.paint();
      this.fire("update");
    },
    frame: function () {
      var size = this._bounds.getSize(), world = 256 * Math.pow(2, this._map.getZoom()), origin = this._map.getPixelOrigin().add(this._bounds.min);
      return {k: world / (2 * HALF), ox: world / 2 - origin.x, oy: world / 2 - origin.y, w: size.x, h: size.y, dpr: this.dpr, small: this._map.getSize().x < 500 ? 0.75 : 1};
    },
    layersNow: function () {
      var side = this.side, shown = (this.twin || this).shown;
      return LC.order.filter(function (layer) {
        return shown.indexOf(layer) >= 0 && layer.spec && (!side || !layer.spec.side || layer.spec.side === side);
      });
    },
    add: function (layer) {
      if (this.shown.indexOf(layer) < 0) this.shown.push(layer);
      this.dirty = true;
      var self = this;
      layer.archive.then(function () { self.later(); });
    },
    drop: function (layer) {
      this.shown = this.shown.filter(function (other) { return other !== layer; });
      this.dirty = true;
      if (this.hovered && this.hovered.layer === layer) this._leave();
      if (this.chosen && this.chosen.layer === layer) this.clear();
      this.later();
    },
    later: function () {
      var self = this;
      if (this.waiting) return;
      this.waiting = true;
      Promise.resolve().then(function () {
        self.waiting = false;
        if (self.dirty) LC.views.forEach(function (view) { if (view._map && (view === self || view.twin === self)) view.paint(); });
      });
    },
    paint: function () {
      if (!this._bounds) return;
      this.dirty = false;
      var pen = this.base.getContext("2d");
      pen.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
      pen.clearRect(0, 0, this.base.width, this.base.height);
      LC.draw(pen, this.layersNow(), this.frame());
      this.painted = (this.painted || 0) + 1;
      this.trace();
    },
    /* what the mouse is over, and what was chosen, once more with a dark edge */
    trace: function () {
      var pen = this.top.getContext("2d"), t = this.frame();
      pen.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
      pen.clearRect(0, 0, this.top.width, this.top.height);
      [this.chosen, this.hovered].forEach(function (mark, over) {
        if (!mark || !mark.layer.picked(mark.i)) return;
        var layer = mark.layer, geo = layer.get(), c = layer.colour(mark.i), path = new Path2D(), i = mark.i;
        pen.lineJoin = pen.lineCap = "round";
        if (geo.kind === "p") {
          path.arc(geo.x[i] * t.k + t.ox, t.oy - geo.y[i] * t.k, (c.r || 4) + 1, 0, 7);
          if (!over) rule(pen, path, {}, "#fff", 1, 6);
          rule(pen, path, {}, "#111", 1, 2);
        } else {
          shape(path, layer, i, t);
          if (!over) rule(pen, path, {}, "#fff", 0.95, (geo.kind === "l" ? c.w || 2 : 0) + 6);
          rule(pen, path, {}, "#111", 1, geo.kind === "l" ? (c.w || 2) + 1.5 : over ? 2 : 3);
          if (geo.kind === "l") rule(pen, path, {}, c.c, 1, c.w || 2);
        }
      });
    },
    hit: function (latlng) {
      var p = L.Projection.SphericalMercator.project(latlng), layers = this.layersNow(), per = 1 / this.frame().k;
      for (var k = layers.length - 1; k >= 0; k--) {
        var i = LC.at(layers[k], p.x * 10, p.y * 10, per);
        if (i >= 0) return {layer: layers[k], i: i};
      }
      return null;
    },
    _over: function (e) {
      var target = e.originalEvent && e.originalEvent.target;
      return !target || !target.closest || !target.closest(".leaflet-control,.leaflet-popup");
    },
    _move: function (e) {
      var self = this;
      this.pointer = e;
      if (this.asked) return;
      this.asked = true;
      requestAnimationFrame(function () {
        self.asked = false;
        var e = self.pointer;
        if (!e || !self._map) return;
        if (LC.tool || !self._over(e) || (self._map.dragging && self._map.dragging.moving()) || self._map._animatingZoom) { self._leave(); return; }
        self.hover(self.hit(e.latlng), e.latlng);
      });
    },
    _leave: function () { this.pointer = null; this.hover(null); },
    hover: function (mark, latlng) {
      var old = this.hovered, same = mark && old && mark.layer === old.layer && mark.i === old.i;
      if (!same && (mark || old)) {
        this.hovered = mark;
        if (this.tip) { this.tip.remove(); this.tip = null; }
        if (this._map) {
          this._map.getContainer().classList.toggle("lc-on", !!mark);
          if (mark && (mark.layer.spec.title.length || mark.layer.spec.tip.length)) {
            this.tip = L.tooltip({className: "lc-tip", direction: "auto", opacity: 1, offset: [12, 0]}).setContent(mark.layer.tip(mark.i)).setLatLng(latlng);
            this._map.openTooltip(this.tip);
          }
          this.trace();
        }
      } else if (same && this.tip) this.tip.setLatLng(latlng);
    },
    _click: function (e) {
      if (LC.tool || !this._over(e)) return;
      var mark = this.hit(e.latlng);
      if (mark) this.open(mark, e.latlng); else this.clear();
    },
    open: function (mark, latlng) {
      var map = this._map, wide = map.getSize().x;
      this.hover(null);
      var beside = LC.beside ? LC.beside(map) : [[16, 16], [16, 16]];
      var popup = L.popup({maxWidth: Math.min(400, wide - 60), minWidth: Math.min(210, wide - 80), autoPanPaddingTopLeft: beside[0], autoPanPaddingBottomRight: beside[1]});
      popup.setLatLng(latlng).setContent(mark.layer.popup(mark.i));
      map.openPopup(popup);
      this.chosen = mark;
      this.popup = popup;
      this.trace();
    },
    _closed: function (e) { if (e.popup === this.popup) { this.popup = this.chosen = null; this.trace(); } },
    clear: function () {
      this.hover(null);
      if (this.popup) this.popup.remove();
      this.chosen = this.popup = null;
      if (this._bounds) this.trace();
    }
  });
  /* the canvas of a map, made when it is first asked for */
  function viewOf(map) {
    if (!map.lifecircle) {
      map.lifecircle = new LC.View(0);
      LC.views.push(map.lifecircle);
      map.addLayer(map.lifecircle);
    }
    return map.lifecircle;
  }
  LC.viewOf = viewOf;

  /* zoom to a feature, mark it and open its popup */
  LC.show = function (key, i) {
    var layer = LC.layers[key], map = LC.map || LC.views[0]._map, view = viewOf(map);
    LC.views.forEach(function (one) { if (one.side && one.side === layer.spec.side) view = one; });
    if (!map.hasLayer(layer)) layer.addTo(map);
    layer.get();
    if (!layer.picked(i)) { layer.choose(layer.of[i]); map.fire("lcpick"); }
    LC.views.forEach(function (one) { one.clear(); });
    var box = layer.box(i), room = LC.room ? LC.room() : {padding: [60, 60]};
    room.maxZoom = 17; room.animate = false;
    map.fitBounds(box, room);
    view.open({layer: layer, i: i}, box.getCenter());
  };
})();
