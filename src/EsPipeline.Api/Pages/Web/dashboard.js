import { ask, colour, colours, draw, element, fill, make, named, number, onTheme, row, say, sayProblem, saveCsv, withoutCharts } from './common.js';

const filter = element('filter');
const zones = ['UTC', Intl.DateTimeFormat().resolvedOptions().timeZone].filter((zone, i, all) => zone && all.indexOf(zone) === i);
const state = { labels: [], find: '', totals: null, timeline: null, leftOut: [] };

// What the API takes besides what the page offers.
const taken = { interval: /^(auto|minute|hour|day|week|month|quarter|year|(1|5|10|15|30)m|(1|3|6|12)h|1[dwMqy])$/, top: /^([1-9]\d{0,2}|1000)$/ };
let asking = new AbortController();
let completing = new AbortController();

function readUrl() {
  const query = new URLSearchParams(location.search);
  const zone = query.get('tz');
  const offered = zone && !zones.includes(zone) ? [...zones, zone] : zones;
  fill(filter.elements.tz, ...offered.map(name => make('option', { value: name }, name)));
  filter.elements.tz.value = zone || 'UTC';
  state.leftOut = [];
  for (const name of ['from', 'to']) {
    const text = query.get(name) ?? '';
    filter.elements[name].value = timeOf(name, text.trim());
    if (text && !filter.elements[name].value) state.leftOut.push(`${name}=${text}`);
  }
  for (const [name, usual] of [['interval', 'auto'], ['top', '20']]) {
    const text = query.get(name) || usual;
    const isTaken = taken[name].test(text);
    if (!isTaken) state.leftOut.push(`${name}=${text}`);
    choice(filter.elements[name], isTaken ? text : usual);
  }
  state.labels = query.getAll('label').slice(0, colours);
  state.find = query.get('find') ?? '';
  element('find').elements.label.value = state.find;
}

// What an address says, as the control for a time takes it; a control drops what it can't show. A day is meant to its end, and a time of a
// zone of its own is shown in UTC.
function timeOf(name, text) {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return text + (name === 'from' ? 'T00:00' : 'T23:59:59.999');
  const local = text.replace(' ', 'T');
  if (!/T.*(Z|[+-]\d\d:\d\d)$/.test(local) || filter.elements.tz.value !== 'UTC') return local;
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, -1).replace(/:00\.000$/, '');
}

// Chooses a value, whether the page offers it or not.
function choice(control, value) {
  if (![...control.options].some(option => option.value === value)) control.append(make('option', { value }, value));
  control.value = value;
}

function times() {
  const query = new URLSearchParams();
  for (const name of ['from', 'to', 'tz']) {
    if (filter.elements[name].value) query.set(name, filter.elements[name].value);
  }
  return query;
}

function writeUrl() {
  const query = times();
  if (query.get('tz') === 'UTC') query.delete('tz');
  if (filter.elements.interval.value !== 'auto') query.set('interval', filter.elements.interval.value);
  if (filter.elements.top.value !== '20') query.set('top', filter.elements.top.value);
  state.labels.forEach(label => query.append('label', label));
  if (state.find) query.set('find', state.find);
  const text = query.toString();
  history.pushState(null, '', text ? `?${text}` : location.pathname);
}

async function load() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  say('loading', 'Loading the counts…');
  const totals = times();
  totals.set('top', filter.elements.top.value);
  const timeline = times();
  timeline.set('interval', filter.elements.interval.value);
  state.labels.forEach(label => timeline.append('label', label));
  try {
    [state.totals, state.timeline] = await Promise.all([ask(`/api/label_counts?${totals}`, signal), ask(`/api/timeline?${timeline}`, signal)]);
    if (state.find) await find(signal);
    else element('found').textContent = '';
    show();
  } catch (problem) {
    sayProblem(problem, load);
  }
}

function show() {
  const { totals } = state;

  // A chart takes its size from what is seen.
  element('figures').hidden = false;
  const drawn = showTotals();
  showTimeline();
  const chosen = filter.elements.from.value || filter.elements.to.value;
  const more = remarks();
  if (totals.total_labels === 0) {
    say('empty', (totals.from || totals.to ? `Nothing was counted in this time. Choose another${chosen ? ', or all times' : ''}.` : 'The index of counts is empty so far.') + more);
  } else {
    say('ready', `${number(totals.total_count)} counted, under ${number(totals.total_labels)} ${totals.total_labels === 1 ? 'label' : 'labels'}.${totals.unlabelled ? ` ${number(totals.unlabelled)} of them have no label, or one too long to be told from others: only “All labels together” shows them.` : ''}${more}${drawn ? '' : ` ${withoutCharts}`}`);
  }
}

// What the figures do not show by themselves: bounds that nobody chose here, counts that no time can show, and what of the address was left out.
function remarks() {
  const { totals: { from, to, untimed }, timeline: { out_of_reach: far } } = state;
  const shown = time => time.replace('T', ' ').replace(/[+-]\d\d:\d\d$|Z$/, '');
  const set = [from && !filter.elements.from.value ? `from ${shown(from)}` : '', to && !filter.elements.to.value ? `to ${shown(to)}` : ''].filter(Boolean).join(' ');
  return [
    set ? ` Only times ${set} are counted, as this server is set up (START_TIME_STR, END_TIME_STR).` : '',
    untimed ? ` ${number(untimed)} have no time: ${from || to ? 'no range of times shows them' : 'they are in the totals, but not over time'}.` : '',
    far ? ` ${number(far)} are at times too far away to be shown over time.` : '',
    state.leftOut.length ? ` The address says ${state.leftOut.join(' and ')}, which this page does not understand and has left out.` : '',
  ].join('');
}

function colourOf(label) {
  const at = state.labels.indexOf(label);
  return at >= 0 ? colour(`c${at}`) : colour(state.labels.length ? 'rest' : 'c0');
}

function showTotals() {
  const { labels, total_labels: all } = state.totals;
  element('totals-note').textContent = labels.length === 0 ? 'Nothing to show.'
    : `${labels.length < all ? `The ${labels.length} greatest of ${number(all)}` : 'All labels'}. Choose a bar, or tick labels in the list below it, to see them over time.`;
  const focused = document.activeElement?.dataset.label;
  let refocus;
  fill(element('totals-table').tBodies[0], ...labels.map(({ label, count }) => {
    const box = make('input', { type: 'checkbox', checked: state.labels.includes(label), onchange: () => choose(label) });
    box.dataset.label = label;
    if (label === focused) refocus = box;
    box.setAttribute('aria-label', `Show ${named(label)} over time`);
    return row([{ text: box }, named(label), count]);
  }));
  refocus?.focus();
  element('totals-box').style.height = `${Math.max(8, labels.length * 1.55 + 3)}rem`;
  element('totals-box').hidden = labels.length === 0;
  return draw('totals', {
    type: 'bar',
    data: { labels: labels.map(l => named(l.label)), datasets: [{ label: 'Total', data: labels.map(l => l.count), backgroundColor: labels.map(l => colourOf(l.label)), borderRadius: 3 }] },
    options: {
      indexAxis: 'y',
      plugins: { legend: { display: false } },
      scales: { x: { beginAtZero: true, ticks: { precision: 0, maxRotation: 0, maxTicksLimit: 6 } }, y: { ticks: { autoSkip: false, callback: shorten(labels) } } },
      onClick: (_, bars) => { if (bars.length) choose(labels[bars[0].index].label); },
      onHover: (event, bars) => { event.native.target.style.cursor = bars.length ? 'pointer' : ''; },
    },
  }, 'totals-details');
}

const shorten = labels => (_, i) => (labels[i].label.length > 22 ? `${labels[i].label.slice(0, 21)}…` : named(labels[i].label));

function showTimeline() {
  const { points, series, interval, widened, time_zone: zone } = state.timeline;
  const names = { m: 'minute', h: 'hour', d: 'day', w: 'week', M: 'month', q: 'quarter', y: 'year' };
  const [, count, unit] = interval.match(/(\d+)(\w)/);
  const each = count === '1' ? `one ${names[unit]}` : `${count} ${names[unit]}s`;
  element('timeline-note').textContent = points.length === 0 ? 'Nothing to show.'
    : `Each point is ${each}${widened ? ', wider than chosen so that there are at most 2,000 points' : ''}. Times are in ${zone}.`;
  fill(element('chosen'), ...(state.labels.length === 0 ? ['All labels together'] : state.labels.map((label, i) => {
    const chip = make('button', { type: 'button', title: `Take ${named(label)} away`, onclick: () => choose(label) }, make('i', { className: `c${i}` }), make('span', {}, named(label)), '✕');
    chip.setAttribute('aria-label', `Take ${named(label)} away`);
    return chip;
  })));
  const when = points.map(point => pointText(point, unit));
  const titles = series.map(s => (s.label === undefined ? 'All labels' : named(s.label)));
  const table = element('timeline-table');
  fill(table.tHead, row(['Time', ...titles.map(text => ({ text, isNumber: true }))], 'th'));
  fill(table.tBodies[0], ...points.map((_, i) => row([when[i], ...series.map(s => s.counts[i])])));
  element('timeline-box').hidden = points.length === 0;
  draw('timeline', {
    type: 'line',
    data: {
      labels: when,
      datasets: series.map((s, i) => ({
        label: titles[i], data: s.counts, borderColor: colour(`c${i}`), backgroundColor: colour(`c${i}`), borderWidth: 2,
        borderDash: [[], [6, 3], [2, 2], [8, 3, 2, 3]][i % 4], pointRadius: points.length > 60 ? 0 : 2,
      })),
    },
    options: {
      interaction: { mode: 'index', intersect: false },
      plugins: { legend: { display: false } },
      scales: { y: { beginAtZero: true, ticks: { precision: 0 } }, x: { ticks: { maxTicksLimit: 9, maxRotation: 0, autoSkipPadding: 24 } } },
    },
  }, 'timeline-details');
}

const pointText = (point, unit) => ('mh'.includes(unit) ? point.slice(0, 16).replace('T', ' ') : point.slice(0, { M: 7, q: 7, y: 4 }[unit] ?? 10));

function choose(label) {
  if (state.labels.includes(label)) state.labels = state.labels.filter(l => l !== label);
  else if (state.labels.length < colours) state.labels = [...state.labels, label];
  else {
    // The box that was ticked shows again that its label is not chosen.
    showTotals();
    return say('ready', `No more than ${colours} labels are shown at once; take one away first.`);
  }
  writeUrl();
  load();
}

async function find(signal) {
  const query = times();
  query.set('label', state.find);
  const { label, count } = await ask(`/api/count_specific?${query}`, signal);
  element('found').textContent = count === 0 ? `“${label}” was not counted in this time.` : `${label}: ${number(count)}`;
}

async function complete() {
  completing.abort();
  completing = new AbortController();
  const prefix = element('find').elements.label.value;
  if (!prefix) return;
  const query = times();
  query.set('prefix', prefix);
  query.set('top', '20');
  try {
    const { labels } = await ask(`/api/label_counts?${query}`, completing.signal);
    fill(element('labels'), ...labels.map(({ label }) => make('option', { value: label })));
  } catch (problem) {
    sayProblem(problem, load);
  }
}

filter.addEventListener('change', () => { writeUrl(); load(); });
filter.addEventListener('submit', event => event.preventDefault());
element('everything').addEventListener('click', () => {
  filter.elements.from.value = filter.elements.to.value = '';
  writeUrl();
  load();
});
let typing;
element('find').elements.label.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(complete, 150);
});
element('find').addEventListener('submit', event => {
  event.preventDefault();
  state.find = element('find').elements.label.value;
  writeUrl();
  load();
});
element('totals-csv').addEventListener('click', () => saveCsv('totals.csv', [['label', 'count'], ...state.totals.labels.map(l => [l.label, l.count])]));
element('timeline-csv').addEventListener('click', () => saveCsv('timeline.csv', [
  ['time', ...state.timeline.series.map(s => s.label ?? 'all labels')],
  ...state.timeline.points.map((point, i) => [point, ...state.timeline.series.map(s => s.counts[i])]),
]));
addEventListener('popstate', () => { readUrl(); load(); });
onTheme(() => state.totals && show());
readUrl();
load();
