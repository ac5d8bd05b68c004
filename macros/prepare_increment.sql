{#- Called as an on-run-start hook: decides which tables are built anew. A table
    is, when it is missing or was built by other code, seeds, vars or engine
    (its mark in state.models is not today's), and so is whatever reads it:
    it is dropped, and dbt builds in full what does not exist. A table that reads
    one of these and is not part of this invocation loses its mark, so that its
    next build is a full one. Nothing is ever mixed in silence. -#}
{% macro prepare_increment() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {#- Of these two dbt hands on only the one as a flag. -#}
        {%- if flags.EMPTY or invocation_args_dict.get('sample') -%}
            {{ exceptions.raise_compiler_error(
                ("--empty" if flags.EMPTY else "--sample")
                ~ " would take rows out of tables that later builds continue:"
                ~ " name a database of its own in KEFU_DATABASE that is not there"
                ~ " yet, and build it from fewer landings"
            ) }}
        {%- endif -%}
        {%- set vars_used = {} -%}
        {%- for name in var_names() -%}
            {%- do vars_used.update({name: var(name)}) -%}
        {%- endfor -%}
        {%- set mark = local_md5(
            run_query("select getvariable('kefu_code_digest')").columns[0].values()[0]
            ~ tojson(vars_used)
        ) -%}
        {%- do run_query("create schema if not exists changes") -%}
        {%- do run_query("create schema if not exists state") -%}
        {%- do run_query(
            "create table if not exists state.models (name varchar, mark varchar)"
        ) -%}
        {%- set marks = {} -%}
        {%- for row in run_query("select name, mark from state.models") -%}
            {%- do marks.update({row[0]: row[1]}) -%}
        {%- endfor -%}
        {%- set models = {} -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- do models.update({node.unique_id: node}) -%}
        {%- endfor -%}
        {%- set stale = {} -%}
        {%- for node in models.values()
            if node.config.materialized == 'incremental' -%}
            {%- set relation = adapter.get_relation(
                node.database, node.schema, node.alias
            ) -%}
            {%- if relation is none or marks.get(node.name) != mark
                or (flags.FULL_REFRESH and node.unique_id in selected_resources) -%}
                {%- do stale.update({node.unique_id: true}) -%}
            {%- endif -%}
        {%- endfor -%}
        {#- Staleness flows down; there are fewer layers of models than models. -#}
        {%- set flow = namespace(moves=true) -%}
        {%- for _ in models if flow.moves -%}
            {%- set flow.moves = false -%}
            {%- for node in models.values() if node.unique_id not in stale -%}
                {%- for parent in node.depends_on.nodes
                    if parent in stale and node.unique_id not in stale -%}
                    {%- do stale.update({node.unique_id: true}) -%}
                    {%- set flow.moves = true -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for node in models.values()
            if node.config.materialized == 'incremental' -%}
            {%- set relation = adapter.get_relation(
                node.database, node.schema, node.alias
            ) -%}
            {%- set changes = node.config.meta.get('changes') -%}
            {%- if node.unique_id in stale -%}
                {%- do run_query(
                    "delete from state.models where name = '" ~ node.name ~ "'"
                ) -%}
                {%- if node.unique_id in selected_resources -%}
                    {%- if relation is not none -%}
                        {%- do adapter.drop_relation(relation) -%}
                    {%- endif -%}
                    {%- do run_query(
                        "insert into state.models values ('" ~ node.name ~ "', '"
                        ~ mark ~ "')"
                    ) -%}
                    {%- if changes -%}
                        {%- do run_query(
                            "drop table if exists changes." ~ node.name
                        ) -%}
                    {%- endif -%}
                {%- endif -%}
            {%- endif -%}
            {%- if changes -%}
                {%- set columns = [] -%}
                {%- for column, type in changes.items() -%}
                    {%- do columns.append(column ~ ' ' ~ type) -%}
                {%- endfor -%}
                {%- do run_query(
                    "create table if not exists changes." ~ node.name
                    ~ " (" ~ columns | join(', ') ~ ")"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set growing = [] -%}
        {%- set anew = [] -%}
        {%- set others = [] -%}
        {%- for node in models.values()
            if node.config.materialized == 'incremental'
            and node.unique_id in selected_resources -%}
            {%- do growing.append(node.name) -%}
            {%- do anew.append(node.name) if node.unique_id in stale -%}
            {%- do others.append(node.name) if marks.get(node.name, mark) != mark -%}
        {%- endfor -%}
        {%- if growing -%}
            {%- do log(
                told_increment(growing | length, anew | length, others | length > 0),
                info=true
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
