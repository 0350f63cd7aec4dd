/** Starts the page. */
import { render } from 'preact'
import { takeSecret } from './feed/secret.ts'
import { Inspector } from './inspector.ts'
import { listenToKeys } from './keys.ts'
import { applyTheme } from '../../page/theme.ts'
import { App } from './view/app.tsx'

applyTheme()
const inspector = new Inspector(takeSecret())
const root = document.querySelector('#app')
let version = 0
if (root !== null) {
  listenToKeys(inspector)
  inspector.start(() => {
    version += 1
    render(<App inspector={inspector} version={version} />, root)
  })
}
