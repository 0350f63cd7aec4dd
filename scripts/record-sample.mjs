#!/usr/bin/env node
// Records the sample trace of test/fixtures/inspect from a real run, with a hub of its own: events and a decision, a link
// that comes, is lost and comes again, a thread that dies. `--out FILE` names another file.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createToken } from '#dist/hub/tokens.js'
import { serveHub } from '#dist/hub/server.js'
import { createRuntime } from '#dist/index.js'
import { TraceWriter } from '#dist/inspect/trace-writer.js'
import { initProject } from '#dist/project/init.js'
import { locateRepository } from '#dist/project/locate.js'
import { writeLogin } from '#dist/project/login.js'
import { createMission } from '#dist/project/mission-create.js'
import { root } from './prepare.mjs'

const out = process.argv.indexOf('--out')
const file = out === -1 ? join(root, 'test/fixtures/inspect/sample.ndjson') : process.argv[out + 1]
const folder = mkdtempSync(join(tmpdir(), 'kittiwake-sample-'))
try {
  rmSync(file, { force: true })
  mkdirSync(dirname(file), { recursive: true })
  await record()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function record() {
  const project = join(folder, 'project')
  const git = (...args) => execFileSync('git', args, { cwd: project })
  mkdirSync(project)
  git('init', '-q', '-b', 'main')
  git('config', 'user.name', 'Sample')
  git('config', 'user.email', 'sample@example.test')
  git('commit', '-q', '--allow-empty', '-m', 'Start')
  await initProject(project)
  const { directory: mission } = await createMission(await locateRepository(project), {
    slug: 'harbour',
    topology: 'coord',
  })
  const dataDir = join(folder, 'hub')
  let hub = await serveHub({ dataDir })
  const { port } = new URL(hub.url)
  const token = createToken({ dataDir, team: 'acme', user: 'sam' })
  const state = join(folder, 'state')
  writeLogin(state, { hub: hub.url, token, team_slug: 'acme' })
  const runtime = await createRuntime({ root: project, stateDirectory: state, link: 'manual' })
  const live = () =>
    new Promise((resolve) => {
      const stop = runtime.on('link', (link) => {
        if (link.state !== 'live') return
        stop()
        resolve()
      })
    })
  const note = (at) =>
    runtime.emit({
      event_type: 'HistoryAdded',
      aggregate_id: 'WP01',
      mission,
      payload: { wp_id: 'WP01', entry_type: 'note', entry_content: `Note ${at}`, author: 'agent' },
    })
  const writer = await TraceWriter.create(file)
  const following = await runtime.follow((message) => writer.tell(message))
  try {
    await note(1)
    await runtime.sync.optIn()
    const first = live()
    await runtime.sync.start()
    await first
    await Promise.all([note(2), note(3), note(4)])
    const { decision_id } = await runtime.decisions.request({
      mission,
      question: 'Which store?',
      options: ['SQLite', 'files'],
    })
    await runtime.decisions.answer({ mission, decision_id, answer: 'SQLite' })
    await runtime.workPackages.create({ mission, wp_id: 'WP01', title: 'Lay out the piers' })
    await runtime.workPackages.move({ mission, wp_id: 'WP01', to: 'claimed', actor: 'agent' })
    await delay(1_200)
    await hub.stop()
    await note(5)
    const again = live()
    hub = await serveHub({ dataDir, port: Number(port) })
    await again
    await delay(600)
    runtime.system.workers.store.send({
      type: 'thread.crashed',
      code: 'SAMPLE',
      message: 'ended for the sample',
    })
    await note(6)
    await delay(1_200)
    await runtime.stop()
  } finally {
    following.stop()
    await writer.close()
    await runtime.stop()
    await hub.stop()
  }
}
