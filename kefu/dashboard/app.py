"""The script that Streamlit runs for each request: language, day, page."""

from kefu.dashboard import shell

shell.main()
