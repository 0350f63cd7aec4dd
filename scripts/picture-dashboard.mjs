#!/usr/bin/env node
// Takes the pictures of docs/images of a hub's dashboard: a hub that serves, and a team's day sent to it over its socket.
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { chromium } from 'playwright-core'
import { WebSocket } from 'ws'
import { serveHub } from '#dist/hub/server.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { CHROMIUM_FLAGS, findChromium } from './chromium.mjs'
import { root } from './prepare.mjs'

const into = process.argv.indexOf('--into')
const images = into === -1 ? join(root, 'docs/images') : process.argv[into + 1]
const PROJECT = 'b6f6a3f0-3c55-4d0e-9b53-8c1f64f3a7d1'
const MACHINES = { ada: '5e1f0c52-aa', kim: '91d7be04-3c', sam: 'c0a8f6e9-77' }
const LANES = ['planned', 'claimed', 'in_progress', 'for_review', 'in_review', 'approved', 'done']
const folder = mkdtempSync(join(tmpdir(), 'kittiwake-pictures-'))
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
let rows = 0
try {
  mkdirSync(images, { recursive: true })
  await tellDay()
} finally {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
}

async function tellDay() {
  const dataDir = join(folder, 'hub')
  const hub = await serveHub({ dataDir })
  const people = []
  for (const user of Object.keys(MACHINES)) {
    const token = createToken({ dataDir, team: 'coast', user })
    people.push([user, await connect(hub, token)])
  }
  const links = Object.fromEntries(people)
  await sendAll(links)
  spread(dataDir)
  await takePictures(hub)
  for (const link of Object.values(links)) link.close()
  await hub.stop()
}

/** As if it had come over days. */
function spread(dataDir) {
  const database = new Database(join(dataDir, 'hub.db'))
  for (const [table, hours] of [
    ['events', 1.3],
    ['commits', 4.7],
    ['lines', 0.5],
  ]) {
    database.exec(
      `UPDATE ${table} SET received_at = received_at - 3600000 *
         CAST((SELECT max(seq) FROM ${table}) * ${hours} - seq * ${hours} + (seq * 7919) % 5 AS INTEGER)`,
    )
  }
  database.close()
}

async function takePictures(hub) {
  const page = await open(hub, { width: 1180, height: 660 }, 'light')
  const key = async (pressed, selector) => {
    await page.keyboard.press(pressed)
    await page.locator(selector).first().waitFor()
  }
  await page.locator('[data-mission="harbour-lights"]').click()
  await page.locator('[data-wp="WP03"] button').click()
  await shoot(page, 'dashboard-boards')
  await key('2', '.decision')
  await shoot(page, 'dashboard-decisions')
  await key('3', '.commit')
  await shoot(page, 'dashboard-commits')
  await key('4', '.stream-row')
  await page.locator('.stream-row').nth(3).click()
  await page.keyboard.press('t')
  await page.keyboard.press('t')
  await shoot(page, 'dashboard-stream-dark')
  const phone = await open(hub, { width: 390, height: 760 }, 'dark')
  await phone.locator('[data-mission="harbour-lights"]').click()
  await shoot(phone, 'dashboard-phone')
}

async function open(hub, viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme })
  const page = await context.newPage()
  await page.goto(await hub.invite({ team: 'coast', user: 'dashboard' }))
  await page.locator('.mission').first().waitFor()
  return page
}

async function shoot(page, name) {
  await page.waitForTimeout(400)
  await page.screenshot({ path: join(images, `${name}.png`) })
}

async function sendAll({ ada, kim, sam }) {
  const commits = Array.from({ length: 9 }, (_, at) => commitOf(['ada', 'kim', 'sam'][at % 3], at))
  const linkOf = { ada, kim, sam }
  for (const { user, frame } of commits) await say(linkOf[user], frame)
  const boards = {
    'harbour-lights': [6, 6, 2, 2, 3, 1, 0, 0],
    'ferry-timetable': [6, 6, 6, 5, 3],
    'storm-warnings': [2, 0, 0, 0],
    'tide-tables': [6, 6, 6],
  }
  for (const [at, [mission, reached]] of Object.entries(boards).entries()) {
    const { frame, user } = commits[at]
    const moves = reached.flatMap((lane, index) => movesOf(mission, index + 1, lane, user))
    await say(linkOf[user], linesOf(frame, mission, 'status', moves))
  }
  await say(ada, linesOf(commits[0].frame, 'harbour-lights', 'decisions', decisions()))
  for (const [at, event] of events().entries()) await say([ada, kim, sam][at % 3], event)
  await say(kim, pushedOf(commits.slice(0, 5).map(({ frame }) => frame.git_hash)))
  const focus = (mission, wp) => ({
    type: 'presence',
    project_uuid: PROJECT,
    focus: { mission, wp },
  })
  ada.send(JSON.stringify(focus('harbour-lights', 'WP03')))
  kim.send(JSON.stringify(focus('ferry-timetable', 'WP04')))
}

function movesOf(mission, number, reached, user) {
  const lanes = LANES.slice(0, reached + 1)
  return lanes.map((to_lane, at) => ({
    actor: at > 3 ? 'kim' : user,
    at: minutesAgo(400 - at * 47 - number * 5),
    event_id: ulid(),
    evidence: null,
    execution_mode: 'worktree',
    force: false,
    from_lane: at === 0 ? 'genesis' : lanes[at - 1],
    mission_slug: mission,
    policy_metadata: null,
    reason: null,
    review_ref: null,
    to_lane,
    wp_id: `WP${String(number).padStart(2, '0')}`,
  }))
}

function decisions() {
  const asked = [
    ['Which light does the outer pier get?', ['Sector light', 'Fixed white light'], 'Sector light'],
    ['Where are soundings kept?', ['SQLite', 'PostgreSQL', 'Flat files'], 'SQLite'],
    ['Do we show depths in metres alone?', ['Metres', 'Metres and feet'], null],
  ]
  return asked.flatMap(([question, options, answer], at) => {
    const decision_id = ulid()
    const record = (event_type, minutes, payload) => ({
      at: minutesAgo(minutes),
      build_id: 'b1',
      event_id: ulid(),
      event_type,
      mission_id: null,
      payload: { run_id: 'r1', decision_id, ...payload },
    })
    const request = record('DecisionInputRequested', 300 - at * 90, {
      step_id: 's1',
      question,
      options,
      input_key: null,
      actor: { actor_id: 'planner', actor_type: 'llm' },
    })
    const actor = { actor_id: 'ada', actor_type: 'human' }
    const answered = () => record('DecisionInputAnswered', 280 - at * 90, { answer, actor })
    return answer === null ? [request] : [request, answered()]
  })
}

function events() {
  const clarification = (conflict_id, term, question) => ({
    conflict_id,
    term,
    question,
    options: conflict_id === 'c1' ? ['the lamp', 'the whole tower'] : ['a place', 'a booking'],
    scope_id: 'team_domain',
    step_id: 's1',
    semantic_check_event_id: ulid(),
    urgency: 'high',
    actor: 'planner',
    mission_id: 'harbour-lights',
  })
  const notes = Array.from({ length: 34 }, (_, at) =>
    eventOf(
      at % 4 === 0 ? 'SoundingTaken' : 'NoteTaken',
      { note: `Buoy ${at + 1} is lit`, depth_m: 3 + (at % 9) },
      120 - at * 3,
    ),
  )
  const request = 'GlossaryClarificationRequested'
  const first = eventOf(request, clarification('c1', 'light', 'The lamp or the whole tower?'), 60)
  const second = eventOf(request, clarification('c2', 'berth', 'A place or a booking?'), 20)
  const resolved = eventOf(
    'GlossaryClarificationResolved',
    {
      conflict_id: 'c1',
      clarification_event_id: first.event_id,
      term: 'light',
      scope_id: 'team_domain',
      selected_meaning: 'The lamp and its optic, without the tower',
      actor: 'ada',
      mission_id: 'harbour-lights',
    },
    10,
  )
  return [...notes.slice(0, 20), first, ...notes.slice(20), second, resolved]
}

function eventOf(event_type, payload, minutes) {
  const event_id = ulid()
  return {
    type: 'event',
    event_id,
    event_type,
    aggregate_id: 'WP03',
    aggregate_type: 'WorkPackage',
    schema_version: '3.0.0',
    build_id: 'b1',
    payload,
    node_id: '0123456789ab',
    lamport_clock: (rows += 1),
    causation_id: null,
    correlation_id: event_id,
    timestamp: minutesAgo(minutes),
    team_slug: 'coast',
    project_uuid: PROJECT,
    project_slug: 'harbour',
    git_branch: null,
    head_commit_sha: null,
    repo_slug: null,
  }
}

function commitOf(user, at) {
  const frame = {
    type: 'LocalCommit',
    git_hash: createHash('sha1').update(randomBytes(8)).digest('hex'),
    mission_id: ulid(),
    build_id: MACHINES[user],
    project_uuid: PROJECT,
    changed_files: [
      'kitty-specs/harbour-lights/status.events.jsonl',
      'kitty-specs/harbour-lights/plan.md',
    ].slice(0, 1 + (at % 2)),
    committed_at: minutesAgo(90 - at * 9),
  }
  return { user, frame }
}

function linesOf({ git_hash }, mission, ledger, found) {
  const frame = {
    type: 'LedgerLines',
    project_uuid: PROJECT,
    build_id: 'b1',
    git_hash,
    mission,
    mission_id: null,
    ledger,
    history: false,
    rows: found.map((row, at) => ({ line: at + 1, row })),
  }
  return { lines_id: createHash('sha256').update(JSON.stringify(frame)).digest('hex'), ...frame }
}

function pushedOf(git_hashes) {
  const pushed_id = createHash('sha256').update(JSON.stringify(git_hashes)).digest('hex')
  return { type: 'CommitsPushed', pushed_id, project_uuid: PROJECT, build_id: 'b1', git_hashes }
}

async function connect(hub, token) {
  const headers = { Authorization: `Bearer ${token}` }
  const response = await fetch(`${hub.url}/api/v1/ws-token`, { method: 'POST', headers })
  const { ws_token, ws_url } = await response.json()
  const socket = new WebSocket(ws_url, { headers: { Authorization: `Bearer ${ws_token}` } })
  await next(socket, 'snapshot')
  return socket
}

async function say(socket, frame) {
  const answered = next(socket, /ack$/i)
  socket.send(JSON.stringify(frame))
  await answered
}

function next(socket, type) {
  return new Promise((resolve, reject) => {
    const listen = (data) => {
      const frame = JSON.parse(String(data))
      if (frame.type === 'error') reject(new Error(JSON.stringify(frame)))
      if (typeof type === 'string' ? frame.type !== type : !type.test(frame.type)) return
      socket.off('message', listen)
      resolve(frame)
    }
    socket.on('message', listen)
  })
}

function minutesAgo(minutes) {
  return new Date(Date.now() - minutes * 60_000).toISOString().replace('Z', '+00:00')
}

function ulid() {
  const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  return [...randomBytes(26)].map((byte) => letters[byte % 32]).join('')
}
