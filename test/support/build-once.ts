import { execFileSync } from 'node:child_process'

/** Threads are tested as built: the build runs before any test unless the caller has just done it. */
export default function setup(): void {
  process.env['ROWS_SEED'] ??= String(Date.now() % 100_000)
  console.log(`rows of long lists: ROWS_SEED=${process.env['ROWS_SEED']}`)
  if (process.env['KITTIWAKE_BUILT'] === '1') return
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
}
