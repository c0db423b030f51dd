"""Everything that is written or drawn: GeoPackages, workbooks, maps, and the folder they land in.

`geopackage.write`, `workbook.write` and `overview.write` each write one file, byte for byte the same on every run;
`output.staged` moves a finished set of files into place at once; `manifest` says what was made from what. Modules are
imported by name (``from lifecircle.publish import overview``), so that drawing libraries load only where something is
drawn.
"""
