import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { emitNote } from '../support/drafts.ts'
import { TestMachine } from '../support/test-machine.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
/** Files may have 8 KiB: less than the index that the first one to open an outbox makes. */
const LIMITED = 'ulimit -f 16; exec "$@"'

describe.skipIf(process.platform === 'win32')('an outbox that gets no more room', () => {
  it('says so, and takes events again once it has', async () => {
    const machine = new TestMachine()
    try {
      const { root } = await machine.project('seabird')
      await machine.ok(root, emitNote('before'))
      const words = ['-c', LIMITED, 'sh', process.execPath, MAIN, ...emitNote('full'), '--json']
      const run = promisify(execFile)('sh', words, { cwd: root, env: machine.env })
      const { code, stdout } = await run.then(
        (done) => ({ code: 0, ...done }),
        (error: { code: number; stdout: string }) => error,
      )
      expect(code).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'OUTBOX_DISK_FULL' } })
      await machine.ok(root, emitNote('after'))
    } finally {
      await machine.close()
    }
  })
})
