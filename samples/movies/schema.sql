-- Tables for data.sql, which holds data only (public test data of an open learning project).
CREATE SCHEMA IF NOT EXISTS content;

CREATE TABLE content.film_work (
    id            uuid PRIMARY KEY,
    title         text NOT NULL,
    description   text,
    creation_date timestamptz,
    rating        double precision,
    type          text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON content.film_work (updated_at, id);

CREATE TABLE content.genre (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    description text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON content.genre (updated_at, id);

CREATE TABLE content.person (
    id         uuid PRIMARY KEY,
    full_name  text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON content.person (updated_at, id);

CREATE TABLE content.genre_film_work (
    id           uuid PRIMARY KEY,
    genre_id     uuid NOT NULL REFERENCES content.genre,
    film_work_id uuid NOT NULL REFERENCES content.film_work,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (film_work_id, genre_id)
);
CREATE INDEX ON content.genre_film_work (genre_id);

CREATE TABLE content.person_film_work (
    id           uuid PRIMARY KEY,
    film_work_id uuid NOT NULL REFERENCES content.film_work,
    person_id    uuid NOT NULL REFERENCES content.person,
    role         text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (film_work_id, person_id, role)
);
CREATE INDEX ON content.person_film_work (person_id);

-- A link that is removed has to tell its film to whoever follows the log; by default it would tell its own id only.
ALTER TABLE content.genre_film_work REPLICA IDENTITY FULL;
ALTER TABLE content.person_film_work REPLICA IDENTITY FULL;
