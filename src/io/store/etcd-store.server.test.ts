// The driver passes the suite of the store's interface, on one member of etcd.
import { testEtcdStore } from "../../../test/store/etcd.ts";

testEtcdStore(1);
