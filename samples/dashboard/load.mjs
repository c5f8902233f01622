// Counts the 20,000 flights of vega-datasets by airport of departure and hour, in the form of the counts that espipe loads from Hadoop.
// Usage: node load.mjs flights-20k.json http://localhost:9200

import { readFileSync } from 'node:fs';

const [file, server] = process.argv.slice(2);
const index = 'hadoop-object-counts-v1';
const counts = new Map();
for (const { date, origin } of JSON.parse(readFileSync(file, 'utf8'))) {
  const bucket = `${date.slice(0, 13).replaceAll('/', '-').replace(' ', 'T')}:00:00Z`;
  const key = `${origin}@${bucket}`;
  counts.set(key, { label: origin, count: (counts.get(key)?.count ?? 0) + 1, time_bucket: bucket, '@timestamp': bucket, s3_source_file: 'flights-20k.json' });
}

async function send(method, path, body, type = 'application/json') {
  const response = await fetch(`${server.replace(/\/$/, '')}/${path}`, { method, body, headers: { 'Content-Type': type } });
  const answer = await response.json();
  if (!response.ok && answer.error?.type !== 'resource_already_exists_exception') throw new Error(JSON.stringify(answer));
  if (answer.errors) throw new Error('Some counts were not taken.');
}

const date = { type: 'date' };
const keyword = { type: 'keyword' };
await send('PUT', index, JSON.stringify({
  settings: { number_of_replicas: 0 },
  mappings: { properties: { label: keyword, count: { type: 'integer' }, time_bucket: date, '@timestamp': date, s3_source_file: keyword } },
}));
const lines = [...counts].flatMap(([id, document]) => [JSON.stringify({ index: { _id: id } }), JSON.stringify(document)]);
await send('POST', `${index}/_bulk?refresh=true`, lines.join('\n') + '\n', 'application/x-ndjson');
console.log(`${counts.size} counts of ${new Set([...counts.values()].map(c => c.label)).size} airports are in ${index}.`);
