-- Two roles on a PostgreSQL of your own: one changes the schema, the other serves the site and
-- can neither create nor drop a table. Run it as a superuser, with passwords of your own:
--   psql -v owner="'…'" -v site="'…'" -f deploy/database.sql
-- `prepare` is given the owner's DATABASE_URL, web and worker that of the site.
CREATE ROLE gallop_owner LOGIN PASSWORD :owner;
CREATE ROLE gallop_site LOGIN PASSWORD :site;
CREATE DATABASE gallop OWNER gallop_owner;
\connect gallop
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO gallop_owner;
GRANT USAGE ON SCHEMA public TO gallop_site;
ALTER DEFAULT PRIVILEGES FOR ROLE gallop_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO gallop_site;
ALTER DEFAULT PRIVILEGES FOR ROLE gallop_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO gallop_site;
ALTER DEFAULT PRIVILEGES FOR ROLE gallop_owner IN SCHEMA public
    GRANT EXECUTE ON FUNCTIONS TO gallop_site;
