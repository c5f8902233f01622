// What all pages share: asking the API, saying how things stand, tables, CSV, colours.

const keyName = 'espipe-api-key';
export const element = id => document.getElementById(id);
export const number = value => new Intl.NumberFormat('en').format(value);

/** What a label is called where it has to be seen. */
export const named = label => (label.trim() === '' ? '(no name)' : label);

/** Asks the API. An answer that says no is thrown as the problem that it is. */
export async function ask(path, signal) {
  const key = sessionStorage.getItem(keyName);
  let response;
  try {
    response = await fetch(path, { headers: key ? { 'X-API-Key': key } : {}, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw { detail: 'espipe serve does not answer.', remedy: 'Check that it still runs; this page goes on when it does.' };
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw body ?? { detail: `The answer was ${response.status}, without words.`, remedy: '' };
}

/** Says in words how the page stands, and for tests and styles in one. */
export function say(state, words) {
  const status = element('status');

  // The same words anew would be read out anew.
  if (status.textContent !== words) status.textContent = words;
  status.classList.toggle('bad', state === 'error');
  if (element('again')) element('again').hidden = true;
  document.documentElement.dataset.state = state;
}

/** Says what went wrong, and asks for a key where one is needed. */
export function sayProblem(problem, again) {
  if (problem.name === 'AbortError') return;
  if (problem instanceof Error) console.error(problem);
  const form = element('key');
  const asked = !form.hidden;
  form.hidden = problem.code !== 'api.key_needed';
  if (form.hidden) {
    say('error', [problem.detail ?? problem.message, problem.remedy].filter(Boolean).join(' '));

    // A page that looks for news by itself has no such button.
    if (!element('again')) return;
    element('again').hidden = false;
    element('again').firstChild.onclick = () => again();
    return;
  }
  say('error', 'This server asks for a key.');
  form.onsubmit = event => {
    event.preventDefault();
    sessionStorage.setItem(keyName, new FormData(form).get('key'));
    form.hidden = true;
    form.reset();
    again();
  };

  // Only when it appears: a page that goes on looking would pull whoever has gone elsewhere back to it.
  if (!asked) form.elements.key.focus();
}

/** Replaces what is in an element. */
export function fill(target, ...children) {
  target.replaceChildren(...children);
}

/** Makes an element; text never becomes markup. */
export function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A row of a table: numbers to the right, the first cell a heading where asked for. */
export function row(cells, tag = 'td') {
  return make('tr', {}, ...cells.map(cell => {
    const isNumber = typeof cell === 'number';
    const made = make(tag, { className: isNumber || cell?.isNumber ? 'number' : '' }, cell?.text ?? (isNumber ? number(cell) : cell ?? ''));
    if (tag === 'th') made.scope = 'col';
    return made;
  }));
}

/** Has the browser save rows as CSV. A text that a spreadsheet would run is shown as the text that it is. */
export function saveCsv(name, rows) {
  const cell = value => {
    const text = String(value ?? '');
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const text = '\ufeff' + rows.map(cells => cells.map(cell).join(',')).join('\r\n') + '\r\n';
  const link = make('a', { href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** A colour of the page, light or dark. */
export const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
export const colours = 8;

/** Draws a chart, or brings the one that is there up to date. Without the library the table has to do. */
export function draw(id, config, table) {
  const canvas = element(id);
  if (typeof Chart === 'undefined') {
    element(`${id}-box`).hidden = true;
    if (table) element(table).open = true;
    return false;
  }
  const { options, ...rest } = config;
  Chart.defaults.color = colour('soft');
  Chart.defaults.borderColor = colour('line');
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.getChart(canvas)?.destroy();
  new Chart(canvas, { ...rest, options: { animation: false, responsive: true, maintainAspectRatio: false, ...options } });
  return true;
}

/** Calls back when the page turns light or dark. */
export function onTheme(redraw) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}

export const withoutCharts = 'Charts were left out when this espipe was built; the figures are in the tables.';
