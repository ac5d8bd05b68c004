"""The script that Streamlit runs for each request: language, day, page."""

import streamlit as st

from kefu.dashboard import shell

shell.main()
