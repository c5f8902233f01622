import { ask, element, fill, make, row, say, sayProblem } from './common.js';

const typeOf = (schema, all) => {
  if (!schema) return '';
  if (schema.$ref) return typeOf(all[schema.$ref.split('/').pop()], all);
  if (schema.oneOf) return typeOf(schema.oneOf.find(s => s.type !== 'null'), all);
  const types = [schema.type ?? 'any'].flat().filter(t => t !== 'null' && !(t === 'string' && [schema.type].flat().includes('integer')));
  return types[0] === 'array' ? `list of ${typeOf(schema.items, all) || 'any'}` : types.join(' or ');
};

const membersOf = (schema, all) => (schema?.$ref ? membersOf(all[schema.$ref.split('/').pop()], all) : schema?.properties ?? {});

function table(caption, heads, rows) {
  const made = make('table', {}, make('caption', {}, caption), make('thead', {}, row(heads, 'th')), make('tbody', {}, ...rows.map(r => row(r))));
  return make('div', { className: 'scroll' }, made);
}

function section(path, method, operation, all) {
  const parts = [make('h2', {}, make('span', { className: 'method' }, method.toUpperCase()), ' ', make('code', {}, path)), make('p', {}, operation.summary ?? '')];
  const body = operation.requestBody?.content['application/json']?.schema;
  const inputs = [
    ...(operation.parameters ?? []).map(p => [p.name, p.in, typeOf(p.schema, all), p.required ? 'yes' : '', p.description ?? '']),
    ...Object.entries(membersOf(body, all)).map(([name, schema]) => [name, 'body', typeOf(schema, all), name === 'index' ? 'yes' : '', schema.description ?? '']),
  ];
  if (inputs.length) parts.push(table('What can be given', ['Name', 'Where', 'Type', 'Required', ''], inputs));
  const answer = operation.responses['200']?.content?.['application/json']?.schema;
  const outputs = Object.entries(membersOf(answer, all)).map(([name, schema]) => [name, typeOf(schema, all), schema.description ?? '']);
  if (outputs.length) parts.push(table('The answer', ['Name', 'Type', ''], outputs));
  parts.push(make('p', { className: 'note' }, `Statuses: ${Object.keys(operation.responses).join(', ')}`));
  return make('section', { className: 'panel' }, ...parts);
}

async function load() {
  for (const origin of document.querySelectorAll('.origin')) origin.textContent = location.origin;
  try {
    const reference = await ask('/openapi.json');
    const all = reference.components?.schemas ?? {};
    fill(element('paths'), ...Object.entries(reference.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => section(path, method, operation, all))));
    say('ready', `${reference.info.description}`);
  } catch (problem) {
    sayProblem(problem, load);
  }
}

load();
