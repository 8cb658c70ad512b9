-- A database as the release 0.1.0 (first light, schema 0001) left it, with rows of every kind. Never changed: it is what was.
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('0001');
CREATE TABLE instances (
	id VARCHAR(255) NOT NULL,
	name VARCHAR(255) NOT NULL,
	initiator_name VARCHAR(223) NOT NULL,
	user_data TEXT NOT NULL,
	network_config TEXT NOT NULL,
	created_at VARCHAR(32) NOT NULL,
	CONSTRAINT pk_instances PRIMARY KEY (id),
	CONSTRAINT uq_instances_initiator_name UNIQUE (initiator_name)
);
CREATE TABLE tokens (
	digest VARCHAR(64) NOT NULL,
	instance_id VARCHAR(255) NOT NULL,
	created_at VARCHAR(32) NOT NULL,
	CONSTRAINT pk_tokens PRIMARY KEY (digest),
	CONSTRAINT fk_tokens_instance_id FOREIGN KEY(instance_id) REFERENCES instances (id) ON DELETE CASCADE
);
CREATE TABLE reports (
	instance_id VARCHAR(255) NOT NULL,
	body JSON NOT NULL,
	received_at VARCHAR(32) NOT NULL,
	CONSTRAINT pk_reports PRIMARY KEY (instance_id),
	CONSTRAINT fk_reports_instance_id FOREIGN KEY(instance_id) REFERENCES instances (id) ON DELETE CASCADE
);
CREATE TABLE volumes (
	id VARCHAR(36) NOT NULL,
	name VARCHAR(255) NOT NULL,
	description TEXT NOT NULL,
	size INTEGER NOT NULL,
	lifecycle VARCHAR(16) NOT NULL,
	blank BOOLEAN NOT NULL,
	metadata JSON NOT NULL,
	created_at VARCHAR(32) NOT NULL,
	updated_at VARCHAR(32) NOT NULL,
	CONSTRAINT pk_volumes PRIMARY KEY (id)
);
CREATE TABLE attachments (
	id VARCHAR(36) NOT NULL,
	volume_id VARCHAR(36) NOT NULL,
	instance_id VARCHAR(255) NOT NULL,
	status VARCHAR(32) NOT NULL,
	mode VARCHAR(2) NOT NULL,
	mutual BOOLEAN NOT NULL,
	connector JSON,
	username VARCHAR(64),
	password VARCHAR(255),
	username_in VARCHAR(64),
	password_in VARCHAR(255),
	released BOOLEAN NOT NULL,
	created_at VARCHAR(32) NOT NULL,
	attached_at VARCHAR(32) NOT NULL,
	CONSTRAINT pk_attachments PRIMARY KEY (id),
	CONSTRAINT fk_attachments_volume_id FOREIGN KEY(volume_id) REFERENCES volumes (id),
	CONSTRAINT uq_attachments_username UNIQUE (username),
	CONSTRAINT uq_attachments_username_in UNIQUE (username_in)
);
CREATE INDEX ix_instances_name ON instances (name);
CREATE INDEX ix_tokens_instance_id ON tokens (instance_id);
CREATE INDEX ix_volumes_name ON volumes (name);
CREATE INDEX ix_attachments_volume_id ON attachments (volume_id);
CREATE INDEX ix_attachments_instance_id_created_at ON attachments (instance_id, created_at);
INSERT INTO instances VALUES ('i1', 'web', 'iqn.2018-12.com.leftasexercise:web', '#cloud-config', '', '2026-11-22T10:00:00.000000+00:00');
INSERT INTO tokens VALUES ('5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8', 'i1', '2026-11-22T10:00:00.000001+00:00');
INSERT INTO reports VALUES ('i1', '{"version": 1, "volumes": []}', '2026-11-22T10:05:00.000000+00:00');
INSERT INTO volumes VALUES ('v1', 'data', 'the first', 10, 'ready', FALSE, '{"blockstore.mount": "/srv/data"}', '2026-11-22T10:01:00.000000+00:00', '2026-11-22T10:04:00.000000+00:00');
INSERT INTO volumes VALUES ('v2', '', '', 1, 'ready', TRUE, '{}', '2026-11-22T10:02:00.000000+00:00', '2026-11-22T10:02:00.000000+00:00');
INSERT INTO attachments VALUES ('a1', 'v1', 'i1', 'attached', 'rw', TRUE, '{"initiator": "iqn.2018-12.com.leftasexercise:web", "ip": "10.0.0.1"}', 'user1', 'oldpassword1', 'user2', 'oldpassword2', FALSE, '2026-11-22T10:03:00.000000+00:00', '2026-11-22T10:04:00.000000+00:00');
INSERT INTO attachments VALUES ('a2', 'v2', 'nova-instance', 'reserved', 'ro', FALSE, NULL, NULL, NULL, NULL, NULL, FALSE, '2026-11-22T10:06:00.000000+00:00', '');
