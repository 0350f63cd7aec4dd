import { serve } from '../serve.ts'
import { openStoreService } from './store-service.ts'

await serve(openStoreService)
