BEGIN TRANSACTION;
CREATE TABLE account (
	id INTEGER NOT NULL, 
	name TEXT, 
	owner TEXT, 
	lease BIGINT, 
	fence BIGINT NOT NULL, 
	CONSTRAINT pk_account PRIMARY KEY (id), 
	CONSTRAINT uq_account_name UNIQUE (name)
);
INSERT INTO "account" VALUES(1,'home',NULL,NULL,0);
CREATE TABLE attempt (
	id INTEGER NOT NULL, 
	delivery_id INTEGER NOT NULL, 
	outcome TEXT, 
	charged BOOLEAN NOT NULL, 
	code INTEGER NOT NULL, 
	reply TEXT NOT NULL, 
	started BIGINT NOT NULL, 
	ended BIGINT, 
	CONSTRAINT pk_attempt PRIMARY KEY (id), 
	CONSTRAINT ck_attempt_outcome CHECK (outcome IN ('queued', 'sending', 'delivered', 'delayed', 'failed', 'held', 'unknown', 'bounced', 'withdrawn')), 
	CONSTRAINT fk_attempt_delivery_id FOREIGN KEY(delivery_id) REFERENCES delivery (id)
);
INSERT INTO "attempt" VALUES(1,2,'delayed',1,451,'busy',1772366400123456,1772366400123456);
INSERT INTO "attempt" VALUES(2,3,NULL,1,0,'',1772366400123456,NULL);
INSERT INTO "attempt" VALUES(3,4,'unknown',1,0,'so it is',1772366400123456,1772366400123456);
INSERT INTO "attempt" VALUES(4,5,'failed',1,250,'so it is',1772366400123456,1772366400123456);
INSERT INTO "attempt" VALUES(5,6,'delivered',1,250,'so it is',1772366400123456,1772366400123456);
CREATE TABLE content (
	hash VARCHAR(64) NOT NULL, 
	size BIGINT NOT NULL, 
	created BIGINT NOT NULL, 
	CONSTRAINT pk_content PRIMARY KEY (hash)
);
INSERT INTO "content" VALUES('a3afdaf682f7620b6534068338520f8d3bf59fc542aed9a4e667455cc99f16b6',20,1772366400123456);
INSERT INTO "content" VALUES('f08b8bc11d5764b0f65b2e8bfb91e6c3dcf556e6ec87a05ae06d4a9f6b02411b',20,1772366400123456);
INSERT INTO "content" VALUES('94cab8dbb3fcf5e80d04dcb7956968fa69798a816bb4637577a751afe5d55ad9',20,1772366400123456);
INSERT INTO "content" VALUES('e812cce3a121f558d165449281fce8f146e5c168468e34663f035932f4fc0344',20,1772366400123456);
INSERT INTO "content" VALUES('3c1704106cafdc85ff0942e9eae3462a9ad0b35ea0dbd0189ec869b75ef4f83e',20,1772366400123456);
INSERT INTO "content" VALUES('da23493437db92a053f78b82b9e1bd7d7782815f7d90713c4e76fb52bd3a4a4e',20,1772366400123456);
INSERT INTO "content" VALUES('b1a5647cd0c9ae56c9f4684ed9cfff0fb6dec0c81ba029928c01f812c41f3c90',21,1772366400123456);
CREATE TABLE content_chunk (
	hash VARCHAR(64) NOT NULL, 
	ordinal INTEGER NOT NULL, 
	octets BLOB NOT NULL, 
	CONSTRAINT pk_content_chunk PRIMARY KEY (hash, ordinal), 
	CONSTRAINT fk_content_chunk_hash FOREIGN KEY(hash) REFERENCES content (hash)
);
INSERT INTO "content_chunk" VALUES('a3afdaf682f7620b6534068338520f8d3bf59fc542aed9a4e667455cc99f16b6',0,X'5375626A6563743A20320D0A0D0A626F64790D0A');
INSERT INTO "content_chunk" VALUES('f08b8bc11d5764b0f65b2e8bfb91e6c3dcf556e6ec87a05ae06d4a9f6b02411b',0,X'5375626A6563743A20330D0A0D0A626F64790D0A');
INSERT INTO "content_chunk" VALUES('94cab8dbb3fcf5e80d04dcb7956968fa69798a816bb4637577a751afe5d55ad9',0,X'5375626A6563743A20340D0A0D0A626F64790D0A');
INSERT INTO "content_chunk" VALUES('e812cce3a121f558d165449281fce8f146e5c168468e34663f035932f4fc0344',0,X'5375626A6563743A20350D0A0D0A626F64790D0A');
INSERT INTO "content_chunk" VALUES('3c1704106cafdc85ff0942e9eae3462a9ad0b35ea0dbd0189ec869b75ef4f83e',0,X'5375626A6563743A20360D0A0D0A626F64790D0A');
INSERT INTO "content_chunk" VALUES('da23493437db92a053f78b82b9e1bd7d7782815f7d90713c4e76fb52bd3a4a4e',0,X'5375626A6563743A20370D0A0D0A626F64790D0A');
INSERT INTO "content_chunk" VALUES('b1a5647cd0c9ae56c9f4684ed9cfff0fb6dec0c81ba029928c01f812c41f3c90',0,X'5375626A6563743A2031300D0A0D0A626F64790D0A');
CREATE TABLE counter (
	scope TEXT NOT NULL, 
	period BIGINT NOT NULL, 
	used BIGINT NOT NULL, 
	CONSTRAINT pk_counter PRIMARY KEY (scope, period)
);
CREATE TABLE delivery (
	id INTEGER NOT NULL, 
	outgoing_id INTEGER NOT NULL, 
	recipient TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts BIGINT NOT NULL, 
	next_attempt BIGINT, 
	code INTEGER NOT NULL, 
	reply TEXT NOT NULL, 
	owner TEXT, 
	lease BIGINT, 
	fence BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	CONSTRAINT pk_delivery PRIMARY KEY (id), 
	CONSTRAINT uq_delivery_outgoing_id_recipient UNIQUE (outgoing_id, recipient), 
	CONSTRAINT ck_delivery_state CHECK (state IN ('queued', 'sending', 'delivered', 'delayed', 'failed', 'held', 'unknown', 'bounced', 'withdrawn')), 
	CONSTRAINT fk_delivery_outgoing_id FOREIGN KEY(outgoing_id) REFERENCES outgoing (id)
);
INSERT INTO "delivery" VALUES(1,1,'queued@example.org','queued',0,1772366400123456,0,'',NULL,NULL,0,1772366400123456);
INSERT INTO "delivery" VALUES(2,2,'delayed@example.org','delayed',1,1772366700123456,451,'busy',NULL,NULL,0,1772366400123456);
INSERT INTO "delivery" VALUES(3,3,'sending@example.org','sending',0,1772366400123456,0,'',NULL,NULL,0,1772366400123456);
INSERT INTO "delivery" VALUES(4,4,'unknown@example.org','unknown',1,NULL,0,'so it is',NULL,NULL,0,1772366400123456);
INSERT INTO "delivery" VALUES(5,5,'failed@example.org','failed',1,NULL,250,'so it is',NULL,NULL,0,1772366400123456);
INSERT INTO "delivery" VALUES(6,6,'delivered@example.org','delivered',1,NULL,250,'so it is',NULL,NULL,0,1772366400123456);
INSERT INTO "delivery" VALUES(7,7,'last@example.org','queued',0,1772366400123456,0,'',NULL,NULL,0,1772366400123456);
CREATE TABLE effect (
	id INTEGER NOT NULL, 
	plan_id INTEGER NOT NULL, 
	message INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	ordinal BIGINT NOT NULL, 
	arguments TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempted BOOLEAN NOT NULL, 
	source_mailbox INTEGER NOT NULL, 
	source_uidvalidity BIGINT NOT NULL, 
	source_uid BIGINT NOT NULL, 
	flags_before TEXT NOT NULL, 
	target_mailbox TEXT, 
	target_uidvalidity BIGINT, 
	target_uid BIGINT, 
	claimed_uidvalidity BIGINT, 
	claimed_uid BIGINT, 
	detail TEXT NOT NULL, 
	updated BIGINT NOT NULL, 
	CONSTRAINT pk_effect PRIMARY KEY (id), 
	CONSTRAINT ck_effect_kind CHECK (kind IN ('flags', 'copy', 'send', 'perform', 'move', 'trash', 'expunge')), 
	CONSTRAINT ck_effect_state CHECK (state IN ('planned', 'doing', 'done', 'failed', 'held')), 
	CONSTRAINT fk_effect_plan_id FOREIGN KEY(plan_id) REFERENCES "plan" (id), 
	CONSTRAINT fk_effect_message FOREIGN KEY(message) REFERENCES message (id), 
	CONSTRAINT fk_effect_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT uq_effect_key UNIQUE ("key"), 
	CONSTRAINT fk_effect_source_mailbox FOREIGN KEY(source_mailbox) REFERENCES mailbox (id)
);
INSERT INTO "effect" VALUES(1,1,1,1,'one/0','move','Invoices',0,'{"mailbox":"Done"}','done',1,1,7,1,'[]','Done',NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(2,2,2,1,'queued/0','send','Invoices',0,'{"relay":"home","sender":"me@example.org","recipients":["queued@example.org"],"message_id":"<a3afdaf682f7620b@example.org>"}','planned',0,1,7,2,'[]',NULL,NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(3,3,3,1,'delayed/0','send','Invoices',0,'{"relay":"home","sender":"me@example.org","recipients":["delayed@example.org"],"message_id":"<f08b8bc11d5764b0@example.org>"}','planned',0,1,7,3,'[]',NULL,NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(4,4,4,1,'sending/0','send','Invoices',0,'{"relay":"home","sender":"me@example.org","recipients":["sending@example.org"],"message_id":"<94cab8dbb3fcf5e8@example.org>"}','doing',1,1,7,4,'[]',NULL,NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(5,5,5,1,'unknown/0','send','Invoices',0,'{"relay":"home","sender":"me@example.org","recipients":["unknown@example.org"],"message_id":"<e812cce3a121f558@example.org>"}','held',1,1,7,5,'[]',NULL,NULL,NULL,NULL,NULL,'1 of 1 not delivered: unknown',1772366400123456);
INSERT INTO "effect" VALUES(6,6,6,1,'failed/0','send','Invoices',0,'{"relay":"home","sender":"me@example.org","recipients":["failed@example.org"],"message_id":"<3c1704106cafdc85@example.org>"}','failed',1,1,7,6,'[]',NULL,NULL,NULL,NULL,NULL,'1 of 1 not delivered: failed',1772366400123456);
INSERT INTO "effect" VALUES(7,7,7,1,'delivered/0','send','Invoices',0,'{"relay":"home","sender":"me@example.org","recipients":["delivered@example.org"],"message_id":"<da23493437db92a0@example.org>"}','done',1,1,7,7,'[]',NULL,NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(8,8,8,1,'begun/0','move','Invoices',0,'{"mailbox":"Begun"}','doing',1,1,7,8,'[]','Begun',NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(9,9,9,1,'planned/0','flags','Invoices',0,'{"add":["\\Flagged"],"remove":[]}','planned',0,1,7,9,'[]',NULL,NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(10,9,9,1,'planned/1','move','Invoices',1,'{"mailbox":"Planned"}','planned',0,1,7,9,'[]','Planned',NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(11,10,10,1,'last/0','send','Invoices',0,'{"relay":"home","sender":"me@example.org","recipients":["last@example.org"],"message_id":"<b1a5647cd0c9ae56@example.org>"}','planned',0,1,7,10,'[]',NULL,NULL,NULL,NULL,NULL,'',1772366400123456);
INSERT INTO "effect" VALUES(12,10,10,1,'last/1','expunge','Invoices',1,'{}','planned',0,1,7,10,'[]',NULL,NULL,NULL,NULL,NULL,'',1772366400123456);
CREATE TABLE mailbox (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	uidvalidity BIGINT, 
	uid BIGINT, 
	checked BIGINT, 
	CONSTRAINT pk_mailbox PRIMARY KEY (id), 
	CONSTRAINT uq_mailbox_account_id_name UNIQUE (account_id, name), 
	CONSTRAINT fk_mailbox_account_id FOREIGN KEY(account_id) REFERENCES account (id)
);
INSERT INTO "mailbox" VALUES(1,1,'INBOX',7,12,1772366400123456);
CREATE TABLE message (
	id INTEGER NOT NULL, 
	mailbox_id INTEGER NOT NULL, 
	uidvalidity BIGINT NOT NULL, 
	uid BIGINT NOT NULL, 
	message_id TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	received BIGINT NOT NULL, 
	object_id TEXT, 
	content_hash VARCHAR(64), 
	state TEXT NOT NULL, 
	attempts BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	first_seen BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	CONSTRAINT pk_message PRIMARY KEY (id), 
	CONSTRAINT uq_message_mailbox_id_uidvalidity_uid UNIQUE (mailbox_id, uidvalidity, uid), 
	CONSTRAINT ck_message_state CHECK (state IN ('seen', 'decided', 'settled', 'acknowledged', 'quarantined', 'gone')), 
	CONSTRAINT fk_message_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id), 
	CONSTRAINT fk_message_content_hash FOREIGN KEY(content_hash) REFERENCES content (hash)
);
INSERT INTO "message" VALUES(1,1,7,1,'<1@example.org>',1000,1772366400123456,NULL,NULL,'acknowledged',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(2,1,7,2,'<2@example.org>',1000,1772366400123456,NULL,NULL,'decided',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(3,1,7,3,'<3@example.org>',1000,1772366400123456,NULL,NULL,'decided',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(4,1,7,4,'<4@example.org>',1000,1772366400123456,NULL,NULL,'decided',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(5,1,7,5,'<5@example.org>',1000,1772366400123456,NULL,NULL,'settled',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(6,1,7,6,'<6@example.org>',1000,1772366400123456,NULL,NULL,'settled',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(7,1,7,7,'<7@example.org>',1000,1772366400123456,NULL,NULL,'acknowledged',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(8,1,7,8,'<8@example.org>',1000,1772366400123456,NULL,NULL,'decided',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(9,1,7,9,'<9@example.org>',1000,1772366400123456,NULL,NULL,'decided',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(10,1,7,10,'<10@example.org>',1000,1772366400123456,NULL,NULL,'decided',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(11,1,7,11,'<11@example.org>',1000,1772366400123456,NULL,NULL,'seen',1,'',1772366400123456,1772366400123456);
INSERT INTO "message" VALUES(12,1,7,12,'<12@example.org>',1000,1772366400123456,NULL,NULL,'quarantined',1,'it broke',1772366400123456,1772366400123456);
CREATE TABLE meta (
	id INTEGER NOT NULL CONSTRAINT ck_meta_single CHECK (id = 1), 
	store_id TEXT NOT NULL, 
	schema_version BIGINT NOT NULL, 
	created BIGINT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY (id)
);
INSERT INTO "meta" VALUES(1,'e080b9a6-701c-44ee-b6a5-08999d2c6a1e',1,1772366400123456);
CREATE TABLE outgoing (
	id INTEGER NOT NULL, 
	effect_id INTEGER NOT NULL, 
	relay TEXT NOT NULL, 
	sender TEXT, 
	message_id TEXT NOT NULL, 
	retry TEXT NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	created BIGINT NOT NULL, 
	CONSTRAINT pk_outgoing PRIMARY KEY (id), 
	CONSTRAINT ck_outgoing_retry CHECK (retry IN ('at-least-once', 'at-most-once')), 
	CONSTRAINT uq_outgoing_effect_id UNIQUE (effect_id), 
	CONSTRAINT fk_outgoing_effect_id FOREIGN KEY(effect_id) REFERENCES effect (id), 
	CONSTRAINT fk_outgoing_content_hash FOREIGN KEY(content_hash) REFERENCES content (hash)
);
INSERT INTO "outgoing" VALUES(1,2,'home','me@example.org','<a3afdaf682f7620b@example.org>','at-least-once','a3afdaf682f7620b6534068338520f8d3bf59fc542aed9a4e667455cc99f16b6',1772366400123456);
INSERT INTO "outgoing" VALUES(2,3,'home','me@example.org','<f08b8bc11d5764b0@example.org>','at-least-once','f08b8bc11d5764b0f65b2e8bfb91e6c3dcf556e6ec87a05ae06d4a9f6b02411b',1772366400123456);
INSERT INTO "outgoing" VALUES(3,4,'home','me@example.org','<94cab8dbb3fcf5e8@example.org>','at-least-once','94cab8dbb3fcf5e80d04dcb7956968fa69798a816bb4637577a751afe5d55ad9',1772366400123456);
INSERT INTO "outgoing" VALUES(4,5,'home','me@example.org','<e812cce3a121f558@example.org>','at-least-once','e812cce3a121f558d165449281fce8f146e5c168468e34663f035932f4fc0344',1772366400123456);
INSERT INTO "outgoing" VALUES(5,6,'home','me@example.org','<3c1704106cafdc85@example.org>','at-least-once','3c1704106cafdc85ff0942e9eae3462a9ad0b35ea0dbd0189ec869b75ef4f83e',1772366400123456);
INSERT INTO "outgoing" VALUES(6,7,'home','me@example.org','<da23493437db92a0@example.org>','at-least-once','da23493437db92a053f78b82b9e1bd7d7782815f7d90713c4e76fb52bd3a4a4e',1772366400123456);
INSERT INTO "outgoing" VALUES(7,11,'home','me@example.org','<b1a5647cd0c9ae56@example.org>','at-least-once','b1a5647cd0c9ae56c9f4684ed9cfff0fb6dec0c81ba029928c01f812c41f3c90',1772366400123456);
CREATE TABLE "plan" (
	id INTEGER NOT NULL, 
	message INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	ruleset_id INTEGER NOT NULL, 
	trace TEXT NOT NULL, 
	decided BIGINT NOT NULL, 
	CONSTRAINT pk_plan PRIMARY KEY (id), 
	CONSTRAINT fk_plan_message FOREIGN KEY(message) REFERENCES message (id), 
	CONSTRAINT fk_plan_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT fk_plan_ruleset_id FOREIGN KEY(ruleset_id) REFERENCES ruleset (id)
);
INSERT INTO "plan" VALUES(1,1,1,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(2,2,2,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(3,3,3,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(4,4,4,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(5,5,5,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(6,6,6,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(7,7,7,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(8,8,8,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(9,9,9,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
INSERT INTO "plan" VALUES(10,10,10,1,'[{"rule":"Invoices","matched":true,"conditions":[{"condition":"subject","holds":true,"seen":"Invoice 7"}],"effects":["move"],"note":""},{"rule":"Others","matched":false,"conditions":[],"effects":[],"note":"stopped before"}]',1772366400123456);
CREATE TABLE relay (
	name TEXT NOT NULL, 
	error TEXT NOT NULL, 
	retry_at BIGINT, 
	CONSTRAINT pk_relay PRIMARY KEY (name)
);
CREATE TABLE reply_window (
	account_id INTEGER NOT NULL, 
	handle TEXT NOT NULL, 
	address TEXT NOT NULL, 
	replied BIGINT NOT NULL, 
	CONSTRAINT pk_reply_window PRIMARY KEY (account_id, handle, address), 
	CONSTRAINT fk_reply_window_account_id FOREIGN KEY(account_id) REFERENCES account (id)
);
CREATE TABLE ruleset (
	id INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	created BIGINT NOT NULL, 
	CONSTRAINT pk_ruleset PRIMARY KEY (id), 
	CONSTRAINT uq_ruleset_hash UNIQUE (hash)
);
INSERT INTO "ruleset" VALUES(1,'86a0abc357f9b866d455738211d6966cd6d4b823af8db9d73b4f55fc3bb0596d',1772366400123456);
CREATE TABLE ruleset_file (
	ruleset_id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_ruleset_file PRIMARY KEY (ruleset_id, ordinal), 
	CONSTRAINT fk_ruleset_file_ruleset_id FOREIGN KEY(ruleset_id) REFERENCES ruleset (id)
);
INSERT INTO "ruleset_file" VALUES(1,0,'10-first.toml','[[rule]]
');
INSERT INTO "ruleset_file" VALUES(1,1,'20-second.toml','# none
');
CREATE TABLE run (
	id INTEGER NOT NULL, 
	mode TEXT NOT NULL, 
	ruleset_id INTEGER NOT NULL, 
	version TEXT NOT NULL, 
	started BIGINT NOT NULL, 
	ended BIGINT, 
	CONSTRAINT pk_run PRIMARY KEY (id), 
	CONSTRAINT ck_run_mode CHECK (mode IN ('live', 'sweep', 'undo')), 
	CONSTRAINT fk_run_ruleset_id FOREIGN KEY(ruleset_id) REFERENCES ruleset (id)
);
INSERT INTO "run" VALUES(1,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(2,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(3,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(4,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(5,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(6,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(7,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(8,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(9,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(10,'live',1,'0.1',1772366400123456,1772366400123456);
INSERT INTO "run" VALUES(11,'live',1,'0.1',1772366400123456,1772366400123456);
CREATE TABLE watch (
	mailbox_id INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	retry_at BIGINT, 
	CONSTRAINT pk_watch PRIMARY KEY (mailbox_id), 
	CONSTRAINT fk_watch_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id)
);
CREATE INDEX ix_message_updated ON message (updated);
CREATE INDEX ix_message_message_id_size_received ON message (message_id, size, received);
CREATE INDEX ix_message_mailbox_id_state ON message (mailbox_id, state);
CREATE INDEX ix_plan_message ON "plan" (message);
CREATE INDEX ix_effect_message ON effect (message);
CREATE INDEX ix_effect_account_id_target_mailbox_target_uid ON effect (account_id, target_mailbox, target_uid);
CREATE INDEX ix_effect_state_source_mailbox_source_uidvalidity ON effect (state, source_mailbox, source_uidvalidity);
CREATE INDEX ix_outgoing_message_id ON outgoing (message_id);
CREATE INDEX ix_delivery_state_next_attempt ON delivery (state, next_attempt);
CREATE INDEX ix_attempt_delivery_id ON attempt (delivery_id);
COMMIT;
