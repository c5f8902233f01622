import { ask, colour, draw, element, fill, make, number, onTheme, row, say, sayProblem, saveCsv, withoutCharts } from './common.js';

const every = 2000;
const samplesKept = 300;
const outcomes = {
  running: 'Running', done: 'Done', done_with_dead_letters: 'Done, some records set aside', failed: 'Failed', stopped: 'Stopped', killed: 'Ended without a word',
};
const columns = ['Started', 'Mode', 'Outcome', 'Took', 'Read', 'Written', 'Unchanged', 'Filtered', 'Dead letters', 'Retries', 'Records a second', 'Last error'];
let runs = [];
let samples = [];
let watched = '';
let timer;

const time = text => (text ? `${text.slice(0, 19).replace('T', ' ')} UTC` : '');
const seconds = value => (value < 120 ? `${Math.round(value * 10) / 10} s` : value < 7200 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3600)} h`);
const took = run => (Date.parse(run.ended ?? run.updated) - Date.parse(run.started)) / 1000;

async function load() {
  clearTimeout(timer);
  try {
    const { jobs } = await ask('/api/pipeline');
    if (jobs.length === 0) {
      element('content').hidden = true;
      say('empty', 'No job has run with this state folder yet. Start one with espipe, and it appears here.');
    } else {
      await showJob(jobs);
    }
  } catch (problem) {
    sayProblem(problem, load);
  }
  timer = setTimeout(load, every);
}

async function showJob(jobs) {
  const choice = element('job');
  const names = jobs.map(job => job.job);
  if (names.join('\n') !== [...choice.options].map(o => o.value).join('\n')) fill(choice, ...names.map(name => make('option', { value: name }, name)));
  const asked = new URLSearchParams(location.search).get('job');
  const newest = jobs.filter(job => job.last_run).sort((a, b) => b.last_run.updated.localeCompare(a.last_run.updated))[0] ?? jobs[0];
  const job = names.includes(asked) ? asked : newest.job;
  choice.value = job;
  const answer = await ask(`/api/pipeline/${encodeURIComponent(job)}`);
  const fresh = JSON.stringify(answer.runs) !== JSON.stringify(runs) || watched !== job;
  if (watched !== job) samples = [];
  [runs, watched] = [answer.runs, job];
  element('content').hidden = false;
  if (fresh) show();
  showState();
}

function showState() {
  const [run] = runs;
  if (!run) return say('empty', `The job ${watched} has not run yet.`);
  const quiet = (Date.now() - Date.parse(run.updated)) / 1000;
  const isLost = !run.ended && quiet > 60;
  element('run-state').textContent = run.ended ? `${outcomes[run.outcome]} at ${time(run.ended)}, after ${seconds(took(run))}`
    : isLost ? `Running since ${time(run.started)}, but not heard of for ${seconds(quiet)}: it may have died`
    : `Running since ${time(run.started)}`;
  say(isLost || run.outcome === 'failed' ? 'error' : 'ready', `${outcomes[run.outcome] ?? run.outcome}. This page looks for news every ${every / 1000} seconds.${typeof Chart === 'undefined' ? ` ${withoutCharts}` : ''}`);
}

function show() {
  const [run] = runs;
  if (!run) return;
  const { account } = run;
  element('route').textContent = `${run.source} → ${run.sink}, mode ${run.mode}, process ${run.process_id} on ${run.host}`;
  element('run-title').textContent = run.ended ? 'Last run' : 'Running now';
  const error = element('run-error');
  error.hidden = !run.last_error;
  error.textContent = run.last_error ? `${time(run.last_error.at)}: ${run.last_error.message} (${run.last_error.code})` : '';
  const facts = [
    ['Records a second', number(Math.round(run.rate))], ['Lag', run.lag_seconds === undefined ? 'not known yet' : seconds(run.lag_seconds)],
    ['Read', number(account.read)], ['Written', number(account.written)], ['Unchanged', number(account.unchanged)], ['Filtered', number(account.filtered)],
    ['Dead letters', number(account.dead_lettered)], ['Retries', number(account.retries)], ['Megabytes', number(Math.round(account.bytes / 1e5) / 10)],
  ];
  fill(element('facts'), ...facts.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
  element('balance').textContent = !run.ended ? 'The account is balanced when the run ends: what is in flight is read, but not written yet.'
    : account.balances ? 'The account balances: every record that was read is accounted for.' : 'The account does not balance.';
  sample(run);
  showCharts();
  fill(element('runs').tHead, row(columns.map((text, i) => ({ text, isNumber: i >= 3 && i <= 10 })), 'th'));
  fill(element('runs').tBodies[0], ...runs.map(r => row(cells(r))));
}

const cells = run => [
  time(run.started), run.mode, outcomes[run.outcome] ?? run.outcome, { text: seconds(took(run)), isNumber: true }, run.account.read, run.account.written, run.account.unchanged,
  run.account.filtered, run.account.dead_lettered, run.account.retries, Math.round(run.rate), run.last_error ? `${run.last_error.message} (${run.last_error.code})` : '',
];

// While a run goes on, its rate between two looks; what the run itself tells is the mean over all of it.
function sample(run) {
  if (run.ended) return;
  const at = Date.parse(run.updated);
  const last = samples.at(-1);
  if (last && at <= last.at) return;
  samples.push({ at, read: run.account.read, rate: last ? (run.account.read - last.read) / ((at - last.at) / 1000) : run.rate });
  samples = samples.slice(-samplesKept);
}

function showCharts() {
  const isLive = !runs[0].ended && samples.length > 1;
  const past = runs.slice(0, 50).reverse();
  element('rate-note').textContent = isLive ? 'Of the run that goes on, since this page was opened' : `Of the last ${past.length === 1 ? 'run, over' : `${past.length} runs, each over`} its whole time`;
  const small = { scales: { y: { beginAtZero: true, ticks: { precision: 0 } }, x: { ticks: { maxTicksLimit: 6, maxRotation: 0, autoSkipPadding: 24 } } } };
  draw('rate', {
    type: 'line',
    data: {
      labels: isLive ? samples.map(s => new Date(s.at).toISOString().slice(11, 19)) : past.map(r => r.started.slice(5, 16).replace('T', ' ')),
      datasets: [{ label: 'Records a second', data: isLive ? samples.map(s => Math.max(0, Math.round(s.rate))) : past.map(r => Math.round(r.rate)), borderColor: colour('c0'), backgroundColor: colour('c0'), pointRadius: 2 }],
    },
    options: { ...small, plugins: { legend: { display: false } } },
  });
  const clean = past.every(r => r.account.dead_lettered === 0 && r.account.retries === 0);
  element('errors-note').textContent = clean ? 'None: no record of these runs was set aside or sent again' : 'Records of each run that were set aside, or sent again';
  element('errors-box').hidden = clean;
  if (clean) return;
  draw('errors', {
    type: 'bar',
    data: {
      labels: past.map(r => r.started.slice(5, 16).replace('T', ' ')),
      datasets: [
        { label: 'Dead letters', data: past.map(r => r.account.dead_lettered), backgroundColor: colour('c1') },
        { label: 'Retries', data: past.map(r => r.account.retries), backgroundColor: colour('c3') },
      ],
    },
    options: small,
  });
}

element('job').addEventListener('change', event => {
  history.pushState(null, '', `?job=${encodeURIComponent(event.target.value)}`);
  load();
});
element('runs-csv').addEventListener('click', () => saveCsv('runs.csv', [columns, ...runs.map(run => cells(run).map(cell => cell?.text ?? cell))]));
addEventListener('popstate', load);
onTheme(() => runs.length && showCharts());
load();
