"""An interactive map in one HTML file. The folder `page/` contains the page's source, which needs no build step."""
