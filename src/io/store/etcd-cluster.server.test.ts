// The driver passes the suite of the store's interface, on three members of etcd.
import { testEtcdStore } from "../../../test/store/etcd.ts";

testEtcdStore(3);
