"""The commands of `kefu`, one a module, each exporting `command`."""
