"""The pictures: numpy in, numpy out. Palette, type, colormap, overlay, bars, maps, timeline, and the page of all."""
