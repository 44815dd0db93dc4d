BEGIN TRANSACTION;
CREATE TABLE anomalies (
	id VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	severity INTEGER NOT NULL, 
	start_us BIGINT NOT NULL, 
	end_us BIGINT NOT NULL, 
	service VARCHAR NOT NULL, 
	route VARCHAR, 
	entity_kind VARCHAR NOT NULL, 
	entity_value VARCHAR NOT NULL, 
	incident_id VARCHAR, 
	run_id VARCHAR, 
	document TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "anomalies" VALUES('ada180f2cc6c5b3fb','error_spike',2,1772442840000000,1772443140000000,'sample','/p/{}','route','sample /p/{}','ida180f2cc6c5b3fb','reb1e4cd45c2f8174','{"id":"ada180f2cc6c5b3fb","type":"error_spike","severity":"high","score":0.7303872630523639,"start":1772442840000000,"end":1772443140000000,"service":"sample","route":"/p/{}","entity":{"kind":"route","value":"sample /p/{}"},"detector":"errors.ratio","observed":0.8181818181818182,"expected":{"low":0.0,"mid":0.0001273063824770272,"high":0.16925096838788026},"threshold":0.2727272727272727,"sample_count":54,"unit":"ratio","formula":{"name":"ratio_high","inputs":{"value":9.0,"exposure":11.0,"mean":0.0001273063824770272,"correlation":0.011776811832697968},"result":13.186531115679257},"description":"9 of 11 requests to sample /p/{} in 5 windows failed with 5xx (82 %); usual are 0 to 17 % (from 54 windows). By chance that happens once in 15 trillion windows; the alarm starts at once in 74,000 windows.","contributions":[],"evidence":[{"source":"sample.log","line":2223,"text":"192.0.2.91 - - [02/Mar/2026:09:18:14 +0000] \"GET /p/linen-oak-scarf-2855 HTTP/1.1\" 500 612 \"-\" \"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)\"","matched":null,"rule":null},{"source":"sample.log","line":2241,"text":"2001:db8:90d:9935::a064 - - [02/Mar/2026:09:18:33 +0000] \"GET /p/black-merino-gloves-1061 HTTP/2.0\" 500 612 \"https://www.pinterest.com/\" \"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.2 Safari/605.1.15\"","matched":null,"rule":null},{"source":"sample.log","line":2242,"text":"100.107.7.115 - - [02/Mar/2026:09:18:33 +0000] \"GET /p/indigo-wool-blanket-1025 HTTP/2.0\" 500 612 \"https://shop.example/category/boots\" \"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36\"","matched":null,"rule":null}],"evidence_total":6,"counterfactual":"Not stated at 27 % or less.","clients":[],"details":{"surprise":13.186531115679257,"surprise_threshold":4.867632453071081,"requests":11,"errors":9,"windows":5},"earlier":null,"incident_id":"ida180f2cc6c5b3fb"}');
INSERT INTO "anomalies" VALUES('af6b25a90e6ec50e5','error_spike',2,1772442900000000,1772443200000000,'sample','/p/{}','route','sample /p/{}','ida180f2cc6c5b3fb','reb1e4cd45c2f8174','{"id":"af6b25a90e6ec50e5","type":"error_spike","severity":"high","score":0.7743244114853811,"start":1772442900000000,"end":1772443200000000,"service":"sample","route":"/p/{}","entity":{"kind":"route","value":"sample /p/{}"},"detector":"errors.ratio","observed":0.9230769230769231,"expected":{"low":0.0,"mid":0.00012655970187641215,"high":0.1479140985064386},"threshold":0.23076923076923078,"sample_count":55,"unit":"ratio","formula":{"name":"ratio_high","inputs":{"value":12.0,"exposure":13.0,"mean":0.00012655970187641215,"correlation":0.01175207267572639},"result":16.720496620282432},"description":"12 of 13 requests to sample /p/{} in 5 windows failed with 5xx (92 %); usual are 0 to 15 % (from 55 windows). By chance that happens less than once in a thousand trillion windows; the alarm starts at once in 75,000 windows.","contributions":[],"evidence":[{"source":"sample.log","line":2282,"text":"100.124.186.236 - - [02/Mar/2026:09:19:07 +0000] \"GET /p/indigo-cotton-throw-1018 HTTP/2.0\" 503 612 \"https://shop.example/p/rust-cork-blanket-1002\" \"Mozilla/5.0 (Linux; Android 12; moto g31) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36\"","matched":null,"rule":null},{"source":"sample.log","line":2288,"text":"100.124.186.236 - - [02/Mar/2026:09:19:19 +0000] \"GET /p/black-leather-basket-1472 HTTP/2.0\" 500 612 \"https://shop.example/p/indigo-cotton-throw-1018\" \"Mozilla/5.0 (Linux; Android 12; moto g31) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36\"","matched":null,"rule":null},{"source":"sample.log","line":2296,"text":"100.124.86.207 - - [02/Mar/2026:09:19:32 +0000] \"GET /p/white-canvas-apron-1110 HTTP/2.0\" 500 612 \"-\" \"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Mobile Safari/537.36\"","matched":null,"rule":null}],"evidence_total":3,"counterfactual":"Not stated at 23 % or less.","clients":[],"details":{"surprise":16.720496620282432,"surprise_threshold":4.873161505783385,"requests":13,"errors":12,"windows":5},"earlier":null,"incident_id":"ida180f2cc6c5b3fb"}');
CREATE TABLE baselines (
	service VARCHAR NOT NULL, 
	route VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	season VARCHAR NOT NULL, 
	unit VARCHAR NOT NULL, 
	mean FLOAT NOT NULL, 
	median FLOAT NOT NULL, 
	stddev FLOAT NOT NULL, 
	low FLOAT NOT NULL, 
	high FLOAT NOT NULL, 
	p90 FLOAT NOT NULL, 
	p99 FLOAT NOT NULL, 
	sample_count BIGINT NOT NULL, 
	last_updated_us BIGINT NOT NULL, 
	PRIMARY KEY (service, route, metric, season)
)
 WITHOUT ROWID

;
INSERT INTO "baselines" VALUES('sample','','bytes_out','all','bytes',6.9623413398792361839e+05,6.96234160573084722269e+05,1.76930633331494964661e+06,5.28753630670409547741e+04,9.16763386977233551457e+06,2.31319384868084546177e+06,6.87686603707927279153e+06,120,1772445598000000);
INSERT INTO "baselines" VALUES('sample','','distinct_clients','all','clients',6.03792125838555104877e+00,7.0,2.56056107411144973085e+00,1.15849273868556634781e+00,1.4349479168078111968e+01,10.0,13.0,120,1772445598000000);
INSERT INTO "baselines" VALUES('sample','','error_ratio','all','ratio',4.37440618284797456266e-03,0.002,0.00891176553881621,0.0,4.59098513497655930093e-02,0.014,0.037,120,1772445598000000);
INSERT INTO "baselines" VALUES('sample','','login_failures','all','failed_logins',1.53848367520418555232e-01,1.0,1.41525508745283112865e+00,0.0,7.29082810852200502438e+00,2.0,3.0,120,1772445598000000);
INSERT INTO "baselines" VALUES('sample','','requests','all','requests',2.97255448787528209209e+01,28.0,2.32468655786191682457e+01,5.91459057582204295044e+00,1.25673143290636559756e+02,53.0,83.0,120,1772445598000000);
CREATE TABLE incident_services (
	service VARCHAR NOT NULL, 
	incident_id VARCHAR NOT NULL, 
	PRIMARY KEY (service, incident_id)
);
INSERT INTO "incident_services" VALUES('sample','ida180f2cc6c5b3fb');
INSERT INTO "incident_services" VALUES('sample','i462bbf7bedf3eb4b');
INSERT INTO "incident_services" VALUES('sample','i40e98c00bed01200');
CREATE TABLE incidents (
	id VARCHAR NOT NULL, 
	severity INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	start_us BIGINT NOT NULL, 
	end_us BIGINT NOT NULL, 
	run_id VARCHAR, 
	document TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "incidents" VALUES('ida180f2cc6c5b3fb',2,'closed',1772442840000000,1772443620000000,'reb1e4cd45c2f8174','{"id":"ida180f2cc6c5b3fb","title":"Error spike on sample /p/{}","severity":"high","score":0.7743244114853811,"start":1772442840000000,"end":1772443620000000,"state":"closed","types":["error_spike"],"services":["sample"],"entities":[{"kind":"route","value":"sample /p/{}"}],"anomaly_ids":["ada180f2cc6c5b3fb","af6b25a90e6ec50e5","a3136e45c4269c396","a53b8d9bc0ef56123","a51bf1ee0ac40cca4","a913e45c02116e06b","af0e0c8a052a6e16c"],"summary":"12 of 13 requests to sample /p/{} in 5 windows failed with 5xx (92 %); usual are 0 to 15 % (from 55 windows). By chance that happens less than once in a thousand trillion windows; the alarm starts at once in 75,000 windows.","advice":["Look at the failing route''s application log, and at what was deployed just before."],"requests":24}');
INSERT INTO "incidents" VALUES('i462bbf7bedf3eb4b',2,'closed',1772444100000000,1772444460000000,'reb1e4cd45c2f8174','{"id":"i462bbf7bedf3eb4b","title":"Scan with 4 kinds of attack on sample by 198.51.100.195","severity":"high","score":0.999875,"start":1772444100000000,"end":1772444460000000,"state":"closed","types":["sql_injection","sensitive_file","scanner","webshell","protocol_violation"],"services":["sample"],"entities":[{"kind":"client","value":"198.51.100.195"}],"anomaly_ids":["a462bbf7bedf3eb4b","a8c2550772b98ee7f","aaeb4189183784f6b","ac4db73df92e28e20","a43cab4988be4c8b6","a543cb42ee33687d0","ac7cfb68888053661","ac7724e0344307d4f","aa0056651857bca05","ab733fb8e4401db37","a136333f6776fd9a6","aea7b782e3f200d8b","a3bbbbbe65c0faa98","a485c7dc2ab079cf0","a45dbc6fc2b5bf390","ac12a8eeca4bc66e8","a71dd3c38025d002c","a9b1d9b32bab94654","a83c7b90e353afe07","aa71adef4e7038b6b","a6bf1df23bbb74fd3","ac301ed3f25d4d97f","ae9d29bd97ca946ee"],"summary":"30 hostile requests to sample from 198.51.100.195: SQL injection; 13 of the sender''s hostile requests got a 2xx answer. A UNION SELECT of literal columns appends the attacker''s own rows to the answer of a query. Also: probes for sensitive files, scan, web shell access, malformed requests.","advice":["Check the application log and the database for what these requests did; look first at those answered 2xx.","Make sure that none of the requested files is served; rotate secrets in any that is.","If the scan is not yours, limit or block the sender; then fix what answered 2xx."],"requests":792}');
INSERT INTO "incidents" VALUES('i40e98c00bed01200',2,'open',1772444880000000,1772445060000000,'reb1e4cd45c2f8174','{"id":"i40e98c00bed01200","title":"Password guessing on sample by 198.51.100.15","severity":"high","score":0.9363057324840764,"start":1772444880000000,"end":1772445060000000,"state":"open","types":["brute_force"],"services":["sample"],"entities":[{"kind":"client","value":"198.51.100.15"}],"anomaly_ids":["a40e98c00bed01200","a2a440ec1d6908b99","acf8d11c5781c8d51"],"summary":"198.51.100.15 tried 294 logins on sample in 10 minutes, 294 of them failed; guessing starts at 20 failed logins.","advice":["Limit login attempts for the sender, and check the accounts that it got into (3xx, 2xx)."],"requests":294}');
CREATE TABLE runs (
	id VARCHAR NOT NULL, 
	started_us BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('reb1e4cd45c2f8174',1795259184782835,'{"id":"reb1e4cd45c2f8174","command":"scan","version":"0.1.0","started":1795259184782835,"finished":1795259185670559,"sources":["sample.log"],"anomalies":33,"incidents":3,"lines":4109,"parsed":4109,"interrupted":false}');
CREATE TABLE vedette_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "vedette_schema" VALUES(1);
CREATE TABLE windows (
	service VARCHAR NOT NULL, 
	route VARCHAR NOT NULL, 
	start_us BIGINT NOT NULL, 
	span_s INTEGER NOT NULL, 
	requests BIGINT NOT NULL, 
	errors_4xx BIGINT NOT NULL, 
	errors_5xx BIGINT NOT NULL, 
	bytes_in BIGINT NOT NULL, 
	bytes_out BIGINT NOT NULL, 
	timed BIGINT NOT NULL, 
	latency_p50_s FLOAT, 
	latency_p95_s FLOAT, 
	latency_p99_s FLOAT, 
	distinct_clients BIGINT NOT NULL, 
	PRIMARY KEY (service, route, start_us, span_s)
)
 WITHOUT ROWID

;
INSERT INTO "windows" VALUES('sample','',1772438400000000,60,42,1,0,0,1984352,0,NULL,NULL,NULL,7);
INSERT INTO "windows" VALUES('sample','',1772438460000000,60,14,1,0,0,556415,0,NULL,NULL,NULL,4);
INSERT INTO "windows" VALUES('sample','',1772438520000000,60,33,1,0,0,1830231,0,NULL,NULL,NULL,6);
INSERT INTO "windows" VALUES('sample','',1772438580000000,60,74,2,0,0,3227404,0,NULL,NULL,NULL,10);
INSERT INTO "windows" VALUES('sample','(not found)',1772438400000000,60,1,1,0,0,1184,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','(not found)',1772438460000000,60,1,1,0,0,1184,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','(not found)',1772438520000000,60,1,1,0,0,1184,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','(not found)',1772438580000000,60,2,2,0,0,2368,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/',1772438400000000,60,1,0,0,0,44596,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/',1772438580000000,60,1,0,0,0,46437,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/account',1772438580000000,60,1,0,0,0,22151,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/account/orders/{}',1772438580000000,60,1,0,0,0,0,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/cart/{}',1772438400000000,60,1,0,0,0,1987,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/events',1772438400000000,60,2,0,0,0,0,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/events',1772438460000000,60,1,0,0,0,0,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/events',1772438520000000,60,2,0,0,0,0,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/api/v1/events',1772438580000000,60,2,0,0,0,0,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/inventory/{}',1772438400000000,60,2,0,0,0,805,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/api/v1/inventory/{}',1772438460000000,60,1,0,0,0,469,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/inventory/{}',1772438580000000,60,2,0,0,0,776,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/api/v1/products',1772438400000000,60,2,0,0,0,34151,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/products/{}',1772438400000000,60,2,0,0,0,5083,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/recommendations',1772438460000000,60,2,0,0,0,14783,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/api/v1/recommendations',1772438580000000,60,4,0,0,0,31958,0,NULL,NULL,NULL,3);
INSERT INTO "windows" VALUES('sample','/api/v1/users/{}/orders',1772438400000000,60,2,0,0,0,17636,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/blog/a-day-at-the-mill',1772438580000000,60,1,0,0,0,24422,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/cart',1772438400000000,60,1,0,0,0,18708,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/cart',1772438460000000,60,1,0,0,0,18393,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/cart/items',1772438400000000,60,1,0,0,0,178,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/category/bags',1772438580000000,60,1,0,0,0,52226,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/category/books',1772438580000000,60,1,0,0,0,47154,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/category/gifts',1772438580000000,60,1,0,0,0,59125,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/category/hats',1772438580000000,60,1,0,0,0,64484,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/category/new-in',1772438580000000,60,1,0,0,0,62299,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/favicon.ico',1772438400000000,60,2,0,0,0,8572,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/favicon.ico',1772438520000000,60,1,0,0,0,4286,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/healthz',1772438400000000,60,3,0,0,0,45,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/healthz',1772438460000000,60,3,0,0,0,45,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/healthz',1772438520000000,60,3,0,0,0,45,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/healthz',1772438580000000,60,3,0,0,0,45,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/images/blog/a-day-at-the-mill.jpg',1772438460000000,60,1,0,0,0,53877,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/images/blog/how-we-dye-linen.jpg',1772438520000000,60,1,0,0,0,136696,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/images/products/{}.webp',1772438400000000,60,6,0,0,0,304863,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/images/products/{}.webp',1772438460000000,60,2,0,0,0,277333,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/images/products/{}.webp',1772438520000000,60,3,0,0,0,122508,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/images/products/{}.webp',1772438580000000,60,29,0,0,0,1278820,0,NULL,NULL,NULL,7);
INSERT INTO "windows" VALUES('sample','/login',1772438520000000,60,1,0,0,0,8440,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/login',1772438580000000,60,3,0,0,0,8544,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/manifest.webmanifest',1772438520000000,60,1,0,0,0,512,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/p/{}',1772438400000000,60,2,0,0,0,124602,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/p/{}',1772438460000000,60,1,0,0,0,88291,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/p/{}',1772438520000000,60,3,0,0,0,124928,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/p/{}',1772438580000000,60,1,0,0,0,94366,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/product/{}',1772438520000000,60,1,0,0,0,59074,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/product/{}',1772438580000000,60,1,0,0,0,58641,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/search',1772438580000000,60,1,0,0,0,34930,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/static/css/{}.css',1772438400000000,60,2,0,0,0,131868,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/static/css/{}.css',1772438520000000,60,4,0,0,0,280718,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/static/css/{}.css',1772438580000000,60,4,0,0,0,236405,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/static/fonts/inter-400.woff2',1772438520000000,60,2,0,0,0,89760,0,NULL,NULL,NULL,2);
INSERT INTO "windows" VALUES('sample','/static/fonts/inter-400.woff2',1772438580000000,60,1,0,0,0,44880,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/static/fonts/inter-600.woff2',1772438520000000,60,1,0,0,0,53001,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/static/fonts/inter-600.woff2',1772438580000000,60,1,0,0,0,53001,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/static/js/{}.js',1772438400000000,60,12,0,0,0,1290074,0,NULL,NULL,NULL,3);
INSERT INTO "windows" VALUES('sample','/static/js/{}.js',1772438460000000,60,1,0,0,0,102040,0,NULL,NULL,NULL,1);
INSERT INTO "windows" VALUES('sample','/static/js/{}.js',1772438520000000,60,9,0,0,0,949079,0,NULL,NULL,NULL,3);
INSERT INTO "windows" VALUES('sample','/static/js/{}.js',1772438580000000,60,11,0,0,0,1004372,0,NULL,NULL,NULL,5);
CREATE INDEX anomalies_by_entity ON anomalies (entity_kind, entity_value, start_us);
CREATE INDEX anomalies_by_incident ON anomalies (incident_id);
CREATE INDEX anomalies_by_start ON anomalies (start_us, id);
CREATE INDEX anomalies_by_service ON anomalies (service, start_us, id);
CREATE INDEX incidents_by_start ON incidents (start_us, id);
CREATE INDEX incident_services_by_incident ON incident_services (incident_id);
CREATE INDEX runs_by_start ON runs (started_us, id);
COMMIT;
