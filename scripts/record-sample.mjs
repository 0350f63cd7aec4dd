#!/usr/bin/env node
// Records the sample trace of test/fixtures/inspect from a real run, with a hub of its own: events and a decision, a link
// that comes, is lost and comes again, a thread that dies. `--out FILE` names another file.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TraceWriter } from '#dist/inspect/trace-writer.js'
import { root } from './prepare.mjs'
import { makeSampleWorld } from './sample-world.mjs'

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
  const { runtime, mission, note, hub } = await makeSampleWorld(folder, { name: 'project' })
  const live = () =>
    new Promise((resolve) => {
      const stop = runtime.on('link', (link) => {
        if (link.state !== 'live') return
        stop()
        resolve()
      })
    })
  const writer = await TraceWriter.create(file)
  const following = await runtime.follow((message) => writer.tell(message))
  try {
    await note('Note 1')
    await runtime.sync.optIn()
    const first = live()
    await runtime.sync.start()
    await first
    await Promise.all([note('Note 2'), note('Note 3'), note('Note 4')])
    const { decision_id } = await runtime.decisions.request({
      mission,
      question: 'Which store?',
      options: ['SQLite', 'files'],
    })
    await runtime.decisions.answer({ mission, decision_id, answer: 'SQLite' })
    await runtime.workPackages.create({ mission, wp_id: 'WP01', title: 'Lay out the piers' })
    await runtime.workPackages.move({ mission, wp_id: 'WP01', to: 'claimed', actor: 'agent' })
    await delay(1_200)
    await hub.server.stop()
    await note('Note 5')
    const again = live()
    hub.server = await hub.serveAgain()
    await again
    await delay(600)
    runtime.system.workers.store.send({
      type: 'thread.crashed',
      code: 'SAMPLE',
      message: 'ended for the sample',
    })
    await note('Note 6')
    await delay(1_200)
    await runtime.stop()
  } finally {
    following.stop()
    await writer.close()
    await runtime.stop()
    await hub.server.stop()
  }
}
