import { ask, colour, colours, draw, element, fill, make, named, number, onTheme, row, say, sayProblem, saveCsv, withoutCharts } from './common.js';

const filter = element('filter');
const zones = ['UTC', Intl.DateTimeFormat().resolvedOptions().timeZone].filter((zone, i, all) => zone && all.indexOf(zone) === i);
const state = { labels: [], find: '', totals: null, timeline: null };
let asking = new AbortController();
let completing = new AbortController();

function readUrl() {
  const query = new URLSearchParams(location.search);
  const zone = query.get('tz');
  const offered = zone && !zones.includes(zone) ? [...zones, zone] : zones;
  fill(filter.elements.tz, ...offered.map(name => make('option', { value: name }, name)));
  for (const name of ['from', 'to', 'tz', 'interval', 'top']) {
    if (query.has(name)) filter.elements[name].value = query.get(name);
    else if (name === 'from' || name === 'to') filter.elements[name].value = '';
    else filter.elements[name].value = { tz: 'UTC', interval: 'auto', top: '20' }[name];
  }
  state.labels = query.getAll('label').slice(0, colours);
  state.find = query.get('find') ?? '';
  element('find').elements.label.value = state.find;
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
  const bounded = filter.elements.from.value || filter.elements.to.value;
  if (totals.total_labels === 0) {
    say('empty', bounded ? 'Nothing was counted in this time. Choose another, or all times.' : 'The index of counts is empty so far.');
  } else {
    say('ready', `${number(totals.total_count)} counted, under ${number(totals.total_labels)} ${totals.total_labels === 1 ? 'label' : 'labels'}.${totals.unlabelled ? ` ${number(totals.unlabelled)} of them have no label, or one too long to be told from others: only “All labels together” shows them.` : ''}${drawn ? '' : ` ${withoutCharts}`}`);
  }
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
