# The two commands are `make demo` and `make test`; both install what they
# need into .venv first and are quick about it when nothing changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

# The tests have landings and databases of their own, whatever the shell says.
TEST_DATA := data/test
TEST_ENV := env -u KEFU_RAW_DATABASE -u KEFU_BUYER_KEY -u KEFU_MEMORY_LIMIT \
	KEFU_RAW_ROOT=$(CURDIR)/$(TEST_DATA)/raw \
	KEFU_DATABASE=$(CURDIR)/$(TEST_DATA)/working/kefu.duckdb \
	KEFU_PUBLISHED=$(CURDIR)/$(TEST_DATA)/published/kefu.duckdb \
	DBT_PROFILES_DIR=$(CURDIR)/$(TEST_DATA)/profiles \
	DBT_TARGET_PATH=$(CURDIR)/$(TEST_DATA)/target \
	DBT_LOG_PATH=$(CURDIR)/$(TEST_DATA)/logs

DEMO_QUERY := select coalesce(mall_name, mall_id) as mall, dim_malls.category_name, score_display, \
	category_rank, peer_scope, is_complete, round(platform_help_rate, 4) as platform_help_rate \
	from marts.experience_score_30d inner join marts.dim_malls using (mall_id) \
	where as_of_date = (select max(as_of_date) from marts.experience_score_30d) \
	order by experience_score desc nulls last, mall_id limit 10

PYTHON_CODE := kefu benchmarks examples tests/python tests/mutation
SQL_CODE := $(wildcard models tests analyses)
SAY := @printf '== %s\n'

EXAMPLES := dagster airflow
.PHONY: help install install-dev demo test test-long test-examples mutation lint test-data chromium docs lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## Make .venv with the command kefu in it

install-dev: $(VENV)/.installed-dev

$(UV):
	$(SAY) "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: requirements.lock pyproject.toml | $(UV)
	$(SAY) "installing the locked versions"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(SAY) "installing what tests and linters need"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

demo: install ## Invent landings, build, test and publish them
	$(SAY) "inventing a small world of shops"
	@$(BIN)/kefu demo-data
	$(SAY) "building the warehouse"
	@$(BIN)/kefu run
	$(SAY) "the newest estimated experience scores; ask your own questions the same way:"
	@printf '%s\n' '.venv/bin/kefu query "$(DEMO_QUERY)"'
	@$(BIN)/kefu query "$(DEMO_QUERY)"
	$(SAY) "writing the documentation"
	@$(BIN)/kefu docs
	$(SAY) "open these in a browser, or call .venv/bin/kefu dashboard:"
	@folder=$$(dirname "$${KEFU_PUBLISHED:-data/published/kefu.duckdb}"); \
		printf '   %s   %s\n' "$$folder/report.html" "the day's page" \
		"$$folder/docs_site/index.html" "what each column means, where it comes from"

test: lint chromium ## Lint, build with all unit tests, then pytest
	$(SAY) "dbt build with unit tests on demo data"
	@$(TEST_ENV) $(BIN)/dbt --quiet --no-use-colors --warn-error-options '{"error": ["Deprecations"]}' build
	$(SAY) "pytest"
	@$(TEST_ENV) $(BIN)/python -m pytest -n 2

test-long: install-dev test-data mutation ## What takes long: crashes, generated input, mutations
	$(SAY) "pytest, the long tests"
	@$(TEST_ENV) $(BIN)/python -m pytest -m long

# Schedulers are large and want versions of their own, so each example has its
# own environment and `make test` leaves them out.
examples/%/.venv/.installed: examples/%/requirements.lock | $(UV)
	$(SAY) "installing what the example for $* needs"
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(@D)
	@$(UV) pip install --quiet --python $(@D)/bin/python --require-hashes -r $<
	@touch $@

test-examples: install $(EXAMPLES:%=examples/%/.venv/.installed) ## Run the examples for Dagster and Airflow
	@for example in $(EXAMPLES); do \
		printf '== %s\n' "pytest, the example for $$example"; \
		$(TEST_ENV) examples/$$example/.venv/bin/python -m pytest examples/$$example || exit; \
	done

mutation: install-dev ## Change the SQL a little and count what no test notices
	$(SAY) "mutation testing of the models"
	@cd tests && PYTHONPATH=$(CURDIR):.:python $(CURDIR)/$(BIN)/python -m mutation $(MUTATION)

lint: install-dev test-data ## Check the style of Python, YAML and SQL
	$(SAY) "ruff"
	@$(BIN)/ruff check --quiet $(PYTHON_CODE)
	@$(BIN)/ruff format --quiet --check $(PYTHON_CODE)
	$(SAY) "yamllint"
	@$(BIN)/yamllint --strict .
	$(SAY) "sqlfluff"
	@$(TEST_ENV) $(BIN)/sqlfluff lint --disable-progress-bar --processes 2 $(SQL_CODE)
	$(SAY) "layering"
	@$(TEST_ENV) $(BIN)/dbt --quiet parse
	@$(BIN)/python tests/python/layering.py $(TEST_DATA)/target/manifest.json

# What the dashboard's tests click with. Where it cannot be installed they are
# skipped, and the last line of the tests says so.
chromium:
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || [ ! -e /etc/debian_version ] || { \
		printf '== %s\n' "installing Chromium for the dashboard's tests"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends chromium fonts-noto-cjk; } >/dev/null 2>&1; } || true

# A set just large enough that every model has rows to be wrong about.
test-data: install-dev
	$(SAY) "demo data for the tests"
	@mkdir -p $(TEST_DATA)/profiles
	@cp profiles.example.yml $(TEST_DATA)/profiles/profiles.yml
	@$(TEST_ENV) $(BIN)/kefu demo-data --malls 24 --days 45 --messages 30000 >/dev/null

docs: install ## Write the documentation site beside the published file
	@$(BIN)/kefu docs

lock: $(UV) ## Resolve the locked versions anew
	@$(UV) pip compile --quiet --upgrade --generate-hashes \
		--python-version 3.11 --custom-compile-command "make lock" \
		requirements-dev.in -o requirements-dev.lock
	@$(UV) pip compile --quiet --upgrade --generate-hashes \
		--python-version 3.11 --custom-compile-command "make lock" \
		-c requirements-dev.lock requirements.in -o requirements.lock
	@for example in $(EXAMPLES); do \
		$(UV) pip compile --quiet --upgrade --generate-hashes --no-annotate \
			--python-version 3.11 --custom-compile-command "make lock" \
			examples/$$example/requirements.in -o examples/$$example/requirements.lock; \
	done

clean: ## Remove what was built; landings, .venv and the published file stay
	@rm -rf target logs data/working data/test data/mutation
