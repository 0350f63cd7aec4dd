/** What was recorded before `init` and can't be read any more stands beside the project's own store, not in its way. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { TestMachine } from '../../support/test-machine.ts'
import { emitNote } from '../../support/drafts.ts'

const machines: TestMachine[] = []
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.close()
})

it('works on in the project, says what could not be taken over, and leaves the file as it is', async () => {
  const machine = new TestMachine()
  machines.push(machine)
  const root = machine.repository('harbour')
  await machine.ok(root, emitNote('before'))
  const folder = join(machine.state, 'unidentified')
  const path = join(folder, readdirSync(folder)[0] ?? '', 'outbox.db')
  const garbage = Buffer.alloc(8192, 7)
  writeFileSync(path, garbage)

  const init = await machine.run(root, ['init'])
  expect({ code: init.code, adopted: init.document['adopted'] }).toEqual({ code: 0, adopted: 0 })
  expect(init.said).toContain('could not be taken over')
  expect((await machine.run(root, emitNote('after'))).document).toMatchObject({ ok: true })
  const status = await machine.ok(root, ['sync', 'status'])
  expect(status).toMatchObject({ unidentified: null, events: { held: 1 } })
})
