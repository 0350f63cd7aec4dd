import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { readAll, request, startHub } from './support.ts'

const PEER = fileURLToPath(new URL('strict-peer.mjs', import.meta.url))
const ADMISSION: ReadonlySet<string> = new Set([
  'spec_kitty_delivery_identity',
  'admission_generation',
  'binding_audience',
])

type Report = {
  readonly verdicts: Record<string, boolean>
  readonly event: JsonObject
  readonly commit: JsonObject
  readonly sent: readonly JsonObject[]
}

function runPeer(input: object): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [PEER], (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Report)
      else reject(error)
    })
    child.stdin?.end(`${JSON.stringify(input)}\n`)
  })
}

const without = (frame: JsonObject, ...more: string[]): JsonObject =>
  Object.fromEntries(
    Object.entries(frame).filter(([key]) => !ADMISSION.has(key) && !more.includes(key)),
  )

describe('a client of the stricter dialect', () => {
  it('works against this hub: socket token, batch, frames, each answer by its closed keys', async () => {
    const { hub, token } = await startHub({ pingIntervalMs: 100 })
    const project = randomUUID()
    const report = await runPeer({ hub: hub.url, token, team: 'acme', project })
    const refused = Object.entries(report.verdicts).filter(([, isGood]) => !isGood)
    expect(refused).toEqual([])
    expect(Object.keys(report.verdicts)).toHaveLength(13)
    const events = (await readAll(hub, token, project)).map(({ event }) => event)
    expect(events).toEqual([...report.sent, report.event].map((event) => without(event, 'type')))
    const { body } = await request(hub, `/api/v1/commits?project_uuid=${project}`, token)
    expect(body.commits?.map(({ commit }) => commit)).toEqual([without(report.commit)])
  })
})
