import { takeCoverage } from 'node:v8'
import { afterAll } from 'vitest'

// A fork is killed before V8 writes its coverage by itself.
afterAll(() => {
  if (process.env['NODE_V8_COVERAGE'] !== undefined) takeCoverage()
})
