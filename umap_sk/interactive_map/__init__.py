"""An interactive map in one HTML file. The folder `page/` is the page's source, which nothing builds."""
