/** Real logs of other writers, taken through commit, sanitizer, frames and store: each board is what the log itself says. */
import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { foldStatus } from '#dist/contracts/fold-status.js'
import { readClientFrame } from '#dist/contracts/frames.js'
import { NO_IDENTITY } from '#dist/events/identity-literals.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import { foldBoard } from '#dist/hub/fold-ledgers.js'
import { linesEntry } from '#dist/hub/lines-table.js'
import { HubStore } from '#dist/hub/store.js'
import { previewLedgers, releaseLedgers } from '#dist/workers/git/ledger-history.js'
import { parseStatusLines } from '#dist/workers/git/status-lines.js'
import { IDENTITY, LedgerRepository } from '../support/ledger-repository.ts'
import { temporaryFolder } from './support.ts'

const MISSIONS = fileURLToPath(new URL('../../../shared/corpus/missions', import.meta.url))

it('shows all missions of real logs, each board equal to the fold of its log', async (test) => {
  if (!existsSync(MISSIONS) && process.env['REQUIRE_SHARED'] !== '1') {
    test.skip('no ../shared/corpus beside this repository')
  }
  const repository = new LedgerRepository()
  const store = new HubStore(temporaryFolder())
  try {
    cpSync(MISSIONS, join(repository.root, 'kitty-specs'), { recursive: true })
    repository.git.git('add', '-f', '.')
    repository.git.git('commit', '-qm', 'All that there was')
    const { commonDir } = repository
    const names = readdirSync(MISSIONS)
    const { hash, missions, rows } = await previewLedgers(commonDir)
    expect(missions).toBe(names.length)
    await releaseLedgers(commonDir, hash)
    const sanitizer = createSanitizer(NO_IDENTITY)
    const ledger = repository.ledger({ clean: (value) => sanitizer.sanitize(value).value })
    ledger.confirmBy({ origin: 'https://hub.example', team: 'acme', epoch: null }, ['ledger_lines'])
    let sent = 0
    for (let frames = await ledger.offer(); frames.length > 0; frames = await ledger.offer()) {
      const ids: string[] = []
      for (const frame of frames) {
        const reading = readClientFrame(JSON.stringify(frame))
        if (reading.kind !== 'lines') throw new Error(`read as ${reading.kind}`)
        sent += reading.frame.rows.length
        ids.push(reading.frame.lines_id)
        store.insert([linesEntry('acme', reading.frame)])
      }
      await ledger.confirm(ids)
    }
    expect(sent).toBe(rows)
    const { project_id = 0 } = store.project('acme', IDENTITY.uuid) ?? {}
    expect(store.lines.missions(project_id).map(({ mission }) => mission)).toEqual(names.toSorted())
    for (const name of names) {
      const log = readFileSync(join(MISSIONS, name, 'status.events.jsonl'))
      const fold = foldStatus(parseStatusLines(log).rows)
      const board = foldBoard(store.lines.read(project_id, 'status', name).lines)
      const told = board.work_packages.map(({ wp_id, lane, moves }) => [wp_id, lane, moves.length])
      const wanted = [...fold.packages.values()].map(({ wp_id, lane, transitions }) => {
        return [wp_id, lane, transitions.length]
      })
      expect([name, told]).toEqual([name, wanted])
      expect(board.event_count).toBe(fold.eventCount)
    }
  } finally {
    store.close()
    repository.remove()
  }
})
