"""Everything that is written or drawn: GeoPackages, workbooks, maps, and the folder they land in.

`geopackage.write`, `workbook.write` and `overview.write` each write one file, byte for byte the same on every run; `themes` has a
map a theme, `side_by_side` two states in one page, `frame_map` any frame at all;
`output.staged` moves a finished set of files into place at once; `manifest` says what was made from what. Modules are
imported by name (``from lifecircle.publish import overview``), so that drawing libraries load only where something is
drawn.
"""
